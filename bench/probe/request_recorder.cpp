#include "bench/probe/request_recorder.h"

#include <sched.h>
#include <time.h>

#include <algorithm>

#include "bench/core/clock.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kLastNs = 100'000;  // a sleeping thread may wake this late

void sleep_ns(std::uint64_t ns) {
  const timespec length{static_cast<time_t>(ns / 1'000'000'000),
                        static_cast<long>(ns % 1'000'000'000)};
  nanosleep(&length, nullptr);
}

}  // namespace

RequestRecorder::RequestRecorder(std::size_t windows_count, Waiting waiting)
    : ticks_per_ns_(1.0 / nanoseconds_per_tick()), waiting_(waiting), windows_(windows_count) {}

void RequestRecorder::restart() {
  keeps_ = true;
  origin_ = 0;
  window_ = 0;
  std::fill(windows_.begin(), windows_.end(), LatencyHistogram());
}

void RequestRecorder::await(Nanoseconds due) {
  if (!keeps_) return;
  if (origin_ == 0) origin_ = bracket_closes();
  due_ = origin_ + static_cast<Ticks>(static_cast<double>(due.value) * ticks_per_ns_);
  for (Ticks now = bracket_closes(); now < due_; now = bracket_closes()) {
    const auto left = static_cast<std::uint64_t>(static_cast<double>(due_ - now) / ticks_per_ns_);
    if (left > kLastNs) {
      sleep_ns(left - kLastNs);
    } else if (waiting_ == Waiting::kYields) {
      sched_yield();
    }
  }
}

void RequestRecorder::answered() {
  if (keeps_) windows_[window_].record(bracket_closes() - due_);
}

void RequestRecorder::next_window() {
  if (window_ + 1 < windows_.size()) ++window_;
}

LatencyHistogram RequestRecorder::responses() const {
  LatencyHistogram all;
  for (const auto& window : windows_) all.merge(window);
  return all;
}

}  // namespace heapwise

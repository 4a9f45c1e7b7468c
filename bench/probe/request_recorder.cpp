#include "bench/probe/request_recorder.h"

#include <time.h>

#include "bench/core/clock.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kSpinNs = 100'000;  // a sleeping thread may wake this late

void sleep_ns(std::uint64_t ns) {
  const timespec length{static_cast<time_t>(ns / 1'000'000'000),
                        static_cast<long>(ns % 1'000'000'000)};
  nanosleep(&length, nullptr);
}

}  // namespace

RequestRecorder::RequestRecorder() : ticks_per_ns_(1.0 / nanoseconds_per_tick()) {}

void RequestRecorder::restart() {
  keeps_ = true;
  origin_ = 0;
  responses_ = {};
  window_ = {};
}

void RequestRecorder::await(Nanoseconds due) {
  if (!keeps_) return;
  if (origin_ == 0) origin_ = bracket_closes();
  due_ = origin_ + static_cast<Ticks>(static_cast<double>(due.value) * ticks_per_ns_);
  for (Ticks now = bracket_closes(); now < due_; now = bracket_closes()) {
    const auto left = static_cast<std::uint64_t>(static_cast<double>(due_ - now) / ticks_per_ns_);
    if (left > kSpinNs) sleep_ns(left - kSpinNs);
  }
}

void RequestRecorder::answered() {
  if (!keeps_) return;
  const Ticks response = bracket_closes() - due_;
  responses_.record(response);
  window_.record(response);
}

}  // namespace heapwise

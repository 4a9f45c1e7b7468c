#include "bench/worker/memory_watch.h"

#include <chrono>

namespace heapwise {
namespace {

constexpr std::size_t kTimelineCapacity = 512;
constexpr std::chrono::milliseconds kSamplingPeriod{4};  // about 3 us of work each: under 0.1 %

}  // namespace

MemoryWatch::MemoryWatch(const Workload& workload, bool samples_alone)
    : workload_(workload), timeline_(std::make_unique<Timeline>(kTimelineCapacity)) {
  if (samples_alone) thread_ = std::thread([this] { sample_while_running(); });
}

MemoryWatch::~MemoryWatch() {
  state_ = State::kEnded;
  state_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MemoryWatch::begin() {
  operations_at_begin_ = workload_.progress().operations_count;
  sample();
  state_ = State::kSampling;
  state_.notify_all();
}

void MemoryWatch::slice_ended() {
  if (!thread_.joinable()) sample();
}

void MemoryWatch::end() {
  state_ = State::kEnded;
  state_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  sample();
}

bool MemoryWatch::sample() {
  const auto progress = workload_.progress();
  return !timeline_->add(progress.operations_count - operations_at_begin_, progress.live_bytes,
                         sampler_.sample());
}

void MemoryWatch::sample_while_running() {
  state_.wait(State::kIdle);
  auto period = kSamplingPeriod;
  while (state_ == State::kSampling) {
    if (!sample()) period *= 2;
    std::this_thread::sleep_for(period);
  }
}

}  // namespace heapwise

// Fills a timeline while a workload runs: at the end of each slice, or, where threads run the whole
// cell as one slice, from a thread of its own that wakes every few milliseconds.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "bench/probe/memory_sampler.h"
#include "bench/probe/timeline.h"
#include "workloads/workload.h"

namespace heapwise {

class MemoryWatch {
 public:
  /// `samples_alone`: from an own thread, which starts here and sleeps until begin().
  MemoryWatch(const Workload& workload, bool samples_alone);
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  /// Takes the first point.
  void begin();
  void slice_ended();
  /// Takes the last point where the own thread samples.
  void end();
  std::unique_ptr<Timeline> take_timeline() { return std::move(timeline_); }

 private:
  enum class State : int { kIdle, kSampling, kEnded };

  /// False where the timeline was thinned.
  bool sample();
  void sample_while_running();

  const Workload& workload_;
  MemorySampler sampler_;
  std::unique_ptr<Timeline> timeline_;
  std::uint64_t operations_at_begin_ = 0;
  std::atomic<State> state_{State::kIdle};
  std::thread thread_;
};

}  // namespace heapwise

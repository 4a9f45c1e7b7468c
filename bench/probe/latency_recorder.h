// Latencies of one thread, or of several one after the other, step by step, with the steps that
// faulted told apart.
//
// Every step is counted in `all`. After a step longer than the fault floor the thread's page faults
// are read, outside the bracket; if they moved, the step is counted in `faulted` as well. A shorter
// step cannot have faulted: the floor is half of the cheapest first touch measured in this process.
#pragma once

#include <sys/resource.h>

#include <array>
#include <cstddef>

#include "bench/probe/latency_histogram.h"

namespace heapwise {

enum class Step { kAllocate, kFirstWrite, kFree };
inline constexpr std::size_t kStepsCount = 3;
inline constexpr std::array<const char*, kStepsCount> kStepNames{"allocate", "first_write", "free"};

class LatencyRecorder {
 public:
  explicit LatencyRecorder(Ticks fault_floor) : fault_floor_(fault_floor) {}

  void record(Step step, Ticks ticks) {
    all_[index(step)].record(ticks);
    if (ticks > fault_floor_) [[unlikely]]
      classify(step, ticks);
  }

  /// Forgets everything so far; the thread that records calls it, at the start of the region.
  void restart();
  /// Forgets nothing; the thread that records from now on calls it, when the one before has ended.
  void take_over();

  const LatencyHistogram& all(Step step) const { return all_[index(step)]; }
  const LatencyHistogram& faulted(Step step) const { return faulted_[index(step)]; }
  void merge(const LatencyRecorder& other);

 private:
  static constexpr std::size_t index(Step step) { return static_cast<std::size_t>(step); }
  void classify(Step step, Ticks ticks);

  Ticks fault_floor_;
  long faults_seen_ = -1;  // -1: not read yet; the first slow step is then counted as not faulted
  std::array<LatencyHistogram, kStepsCount> all_{};
  std::array<LatencyHistogram, kStepsCount> faulted_{};
};

/// Half of the cheapest first touch of a fresh page, over 64 pages mapped for it.
Ticks measure_fault_floor();

}  // namespace heapwise

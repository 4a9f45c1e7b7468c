// Holds one thread's requests to their schedule and keeps the time from the moment at which each
// was due to its answer. Until it is first restarted it lets every request go at once and keeps
// nothing, as in a warm-up.
//
// Waiting is sleeping up to the last 100 us, then looking at the clock again and again, so that a
// request starts within a microsecond of its time on an idle CPU. Noting one is two reads of the
// cycle counter, about 20 ns. Each window has a histogram of its own, so that to begin the next
// takes no time from the requests that are due meanwhile.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bench/core/pacer.h"
#include "bench/probe/latency_histogram.h"

namespace heapwise {

/// What a thread does between two looks at the clock.
enum class Waiting {
  kSpins,   // nothing: it has a CPU of its own
  kYields,  // lets others run that share its CPU
};

class RequestRecorder final : public Pacer {
 public:
  explicit RequestRecorder(std::size_t windows_count = 1, Waiting waiting = Waiting::kSpins);

  void await(Nanoseconds due) override;
  void answered() override;

  /// Forgets everything so far. The schedule begins with the next request.
  void restart();
  /// What is answered from now on is in the next window; the last one never ends.
  void next_window();

  /// Time from due to answered: of all requests since restart(), and window by window.
  LatencyHistogram responses() const;
  std::span<const LatencyHistogram> windows() const { return windows_; }

 private:
  double ticks_per_ns_;
  Waiting waiting_;
  bool keeps_ = false;
  Ticks origin_ = 0;  // 0: the schedule has not begun
  Ticks due_ = 0;
  std::size_t window_ = 0;
  std::vector<LatencyHistogram> windows_;
};

}  // namespace heapwise

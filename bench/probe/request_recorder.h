// Holds one thread's requests to their schedule and keeps the time from the moment at which each
// was due to its answer. Until it is first restarted it lets every request go at once and keeps
// nothing, as in a warm-up.
//
// Waiting is sleeping up to the last 100 us, then spinning, so that a request starts within a
// microsecond of its time on an idle CPU. Noting one is two reads of the cycle counter, about 20
// ns.
#pragma once

#include "bench/core/pacer.h"
#include "bench/probe/latency_histogram.h"

namespace heapwise {

class RequestRecorder final : public Pacer {
 public:
  RequestRecorder();

  void await(Nanoseconds due) override;
  void answered() override;

  /// Forgets everything so far. The schedule begins with the next request.
  void restart();
  /// Begins a new window; what was answered stays in responses().
  void next_window() { window_ = {}; }

  /// Time from due to answered, of all requests since restart() and of those in this window.
  const LatencyHistogram& responses() const { return responses_; }
  const LatencyHistogram& window() const { return window_; }

 private:
  double ticks_per_ns_;
  bool keeps_ = false;
  Ticks origin_ = 0;  // 0: the schedule has not begun
  Ticks due_ = 0;
  LatencyHistogram responses_;
  LatencyHistogram window_;
};

}  // namespace heapwise

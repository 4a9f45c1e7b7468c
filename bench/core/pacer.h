// The schedule of an open loop, as a workload sees it: requests arrive when they are due, whether
// or not the one before has been answered. A request that starts late has waited, and its answer is
// late by as much: what is noted is the time from when it was due (coordinated omission otherwise).
#pragma once

#include "bench/core/units.h"

namespace heapwise {

/// Belongs to one thread.
class Pacer {
 public:
  virtual ~Pacer() = default;

  /// Returns when the next request is due, `due` after the schedule began, or at once if that is
  /// past. The schedule begins with the region's first call.
  virtual void await(Nanoseconds due) = 0;
  /// The request awaited last has been answered.
  virtual void answered() = 0;
};

}  // namespace heapwise

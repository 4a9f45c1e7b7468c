// Who looks at a child from outside while the parent waits for it.
#pragma once

#include "bench/core/units.h"

namespace heapwise {

class Watcher {
 public:
  virtual ~Watcher() = default;

  /// When the next look is due, on the monotonic clock.
  virtual Nanoseconds due() const = 0;

  /// One look. False: the child is to be stopped.
  virtual bool look() = 0;
};

}  // namespace heapwise

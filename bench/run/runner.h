// What the scheduler needs of whoever carries out a run; the tests bring one that only pretends.
#pragma once

#include "bench/run/run_record.h"

namespace heapwise {

class Runner {
 public:
  virtual ~Runner() = default;

  /// Carries out one run. Everything the run itself can do wrong is a status; RunError is thrown
  /// only when the campaign cannot go on.
  virtual RunResult run(const RunRequest& request) = 0;
};

}  // namespace heapwise

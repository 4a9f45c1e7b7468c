// What the scheduler needs of whoever carries out a run; the tests bring one that only pretends.
#pragma once

#include <array>

#include "bench/run/run_record.h"

namespace heapwise {

class Runner {
 public:
  virtual ~Runner() = default;

  /// Carries out one run. Everything the run itself can do wrong is a status; RunError is thrown
  /// only when the campaign cannot go on.
  virtual RunResult run(const RunRequest& request) = 0;
};

/// One that can also do two things at once.
class PairRunner : public Runner {
 public:
  /// Carries out two runs at once, in lockstep; both requests have the same slicing and seed.
  virtual std::array<RunResult, 2> run_pair(const std::array<RunRequest, 2>& requests) = 0;
};

}  // namespace heapwise

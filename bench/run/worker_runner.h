// Carries out the runs of `bench`: one heapwise-worker each.
#pragma once

#include "bench/run/candidate.h"
#include "bench/run/interrupt.h"
#include "bench/run/parts.h"
#include "bench/run/runner.h"

namespace heapwise {

class WorkerRunner : public Runner {
 public:
  /// All arguments must outlive the runner.
  WorkerRunner(const Parts& parts, const Candidates& candidates, Interrupt& interrupt);

  RunResult run(const RunRequest& request) override;

 private:
  const Parts& parts_;
  const Candidates& candidates_;
  Interrupt& interrupt_;
  int single_cpu_;  // where every single-threaded cell runs
};

/// The last processor this process may use: the first ones take most of a machine's interrupts.
int last_allowed_cpu();

/// The environment entry that shifts a child's stack by `bytes`.
std::string padding_entry(std::size_t bytes);

}  // namespace heapwise

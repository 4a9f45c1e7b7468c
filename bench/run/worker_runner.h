// Carries out the runs of workloads: one heapwise-worker each, alone or in lockstep.
#pragma once

#include "bench/run/candidate.h"
#include "bench/run/interrupt.h"
#include "bench/run/parts.h"
#include "bench/run/runner.h"
#include "bench/run/worker_session.h"

namespace heapwise {

class WorkerRunner : public PairRunner {
 public:
  /// All arguments must outlive the runner.
  WorkerRunner(const Parts& parts, const Candidates& candidates, Interrupt& interrupt);

  RunResult run(const RunRequest& request) override;
  std::array<RunResult, 2> run_pair(const std::array<RunRequest, 2>& requests) override;

 private:
  WorkerCall call_of(const RunRequest& request) const;
  RunResult result_of(const RunRequest& request, WorkerEnd end, bool out_of_memory) const;

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

// Has each run carried out inside a memory cgroup of its own, and makes of what the kernel counted
// there a verdict and metrics. Groups that obey no memory limit run as they are.
#pragma once

#include "bench/run/memory_limit.h"
#include "bench/run/plan.h"
#include "bench/run/runner.h"

namespace heapwise {

class LimitedRunner : public PairRunner {
 public:
  /// All arguments must outlive the runner.
  LimitedRunner(const Plan& plan, PairRunner& inner, MemoryLimit& limit)
      : plan_(plan), inner_(inner), limit_(limit) {}

  RunResult run(const RunRequest& request) override;

  /// Throws RunError: what compares in lockstep takes no limit.
  std::array<RunResult, 2> run_pair(const std::array<RunRequest, 2>& requests) override;

 private:
  const Plan& plan_;
  PairRunner& inner_;
  MemoryLimit& limit_;
};

}  // namespace heapwise

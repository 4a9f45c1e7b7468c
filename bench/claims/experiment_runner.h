// Runs experiments, each in a fresh process through the launcher, under an environment that holds
// nothing of malloc's but what the request adds.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "allocators/allocator.h"
#include "bench/claims/evidence.h"
#include "bench/core/units.h"
#include "bench/run/interrupt.h"
#include "bench/run/parts.h"

namespace heapwise {

struct ExperimentRequest {
  std::string name = {};
  std::vector<std::string> arguments = {};
  std::vector<std::string> environment = {};  // KEY=VALUE, e.g. GLIBC_TUNABLES=...
  bool counts_system_calls = false;           // between the experiment's marks: Evidence::launch
  std::optional<Bytes> memory_limit = {};     // in a memory cgroup of its own
};

class ExperimentRunner {
 public:
  /// Runs under `allocator` (the C library's malloc: the spec `as_linked`). `keep` as in
  /// child_environment. All arguments must outlive the runner.
  ExperimentRunner(const Parts& parts, const ResolvedAllocator& allocator,
                   const std::vector<std::string>& keep, Interrupt& interrupt)
      : parts_(parts), allocator_(allocator), keep_(keep), interrupt_(interrupt) {}

  /// What it told, however it ended. Throws RunError when it cannot be started or, with a memory
  /// limit, when no cgroup can be made.
  Evidence run(const ExperimentRequest& request);

  const Parts& parts() const { return parts_; }

  /// Starts it and does not wait: for experiments that mostly sleep. Precondition: no memory limit.
  std::unique_ptr<Child> start(const ExperimentRequest& request);

  /// What one that was started told, however it ended; waits for its end, `timeout` at most. To be
  /// called once.
  Evidence finish(Child& started, Nanoseconds timeout);

  /// Whether Ctrl-C has come; what run() returns then is worth nothing.
  bool interrupted() { return interrupt_.requested(); }

 private:
  const Parts& parts_;
  const ResolvedAllocator& allocator_;
  const std::vector<std::string>& keep_;
  Interrupt& interrupt_;
};

}  // namespace heapwise

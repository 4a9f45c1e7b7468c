// What the parent makes of how a process ended: one place decides between crashed, killed, timed
// out and fine.
#pragma once

#include <optional>
#include <string>

#include "bench/run/child.h"
#include "bench/run/memory_cgroup.h"
#include "bench/run/run_record.h"

namespace heapwise {

/// What the worker said of itself before it ended.
struct WorkerAnswer {
  std::optional<Json> refused;  // line 2'
  std::optional<Json> figures;  // line 4
  std::string garbled;          // not empty: a line that is not the protocol's
};

/// Whether the kernel's out-of-memory killer has struck since an earlier moment.
class OutOfMemoryWatch {
 public:
  OutOfMemoryWatch();
  bool struck() const;

 private:
  std::optional<std::uint64_t> kills_before_;
};

/// `SIGSEGV`.
std::string signal_name(int signal);

/// `: ` and the last line that a process wrote to standard error, which is where a dying one says
/// why; empty where there is none.
std::string last_words(const std::string& errors);

/// Why a command was never executed, as the launcher says it. Precondition: the report has an
/// exec_errno.
std::string not_started_words(const ChildEnd& end);

/// Fills status, detail, exit_code, signal and started_unix_ns. `accepted_exit_code` is what a
/// process that did its work exits with.
void judge_ending(const ChildEnd& end, bool out_of_memory, Nanoseconds timeout,
                  int accepted_exit_code, RunResult& result);

/// judge_ending for a worker: its own verdict counts when it ended as it should.
void judge_worker(const ChildEnd& end, const WorkerAnswer& answer, bool out_of_memory,
                  Nanoseconds timeout, RunResult& result);

/// Corrects the verdict on a run in a memory cgroup of its own: one that failed and of which the
/// kernel has killed a process at the limit is out of memory, whatever it looked like from outside.
void judge_pressure(const MemoryPressure& pressure, Bytes limit, RunResult& result);

}  // namespace heapwise

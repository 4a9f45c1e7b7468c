// Counts the memory system calls that a process makes between its two marker calls, over all of
// its threads, without privilege: a seccomp filter stops the command only at those calls, so the
// rest of it runs at full speed.
//
// The region belongs to the process that opened it; calls of its children are not counted, though
// they are stopped too, because the filter is inherited. Whatever still lives when the tracer exits
// is killed (PTRACE_O_EXITKILL): without a tracer the filtered calls would fail with ENOSYS.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace heapwise {

enum TracedCall : std::size_t { kBrk, kMmap, kMunmap, kMadvise, kMremap, kTracedCallsCount };

/// Makes the calling process and all it becomes stop at the traced calls. They fail with ENOSYS
/// unless it is traced already. Returns 0 or an errno; sets no_new_privs.
int install_system_call_filter();

class SystemCallTracer {
 public:
  /// Becomes the tracer of `command`, a child that does not run its program yet. 0 or an errno.
  int attach(pid_t command);

  /// Serves what tracees have stopped, and gives the next child of this process that has ended,
  /// with status and usage as wait4(2) gives them; 0: none now; -1: no child and no tracee is left.
  /// The ends of single threads, and of processes whose own parent is to wait for them, are not
  /// given.
  pid_t next_ended_child(int& wait_status, rusage& usage);

  /// Both markers were met.
  bool region_seen() const { return region_seen_; }
  std::uint64_t count(TracedCall call) const { return counts_[call]; }

 private:
  void serve_stop(pid_t thread, int wait_status);
  void serve_filtered_call(pid_t thread);
  bool has_inherited_usage();

  rusage children_usage_{};   // of this process's, as of the last end
  pid_t region_process_ = 0;  // 0: no region is open
  bool region_seen_ = false;
  std::array<std::uint64_t, kTracedCallsCount> counts_{};
};

}  // namespace heapwise

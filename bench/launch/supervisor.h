// Sees the whole process tree of the command to its end, and does what the parent asks by signals.
//
//     running ──▶ killing ──▶ over        killing begins with SIGTERM, or when the command ends and
//        └─────────────────────▲          leaves processes behind; over: no child is left
//
// One loop over SIGCHLD, SIGTERM and SIGUSR1, which stay blocked from before the command is started
// to the end: nothing is lost between a look and a wait, there is no handler, and a launcher that
// waits sleeps until something happens.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>

namespace heapwise {

class SystemCallTracer;

struct TreeEnd {
  int wait_status = 0;         // the command's
  int tree_status = 0;         // see LaunchReport, as for the counts
  std::uint64_t ended_ns = 0;  // CLOCK_MONOTONIC; the end of the command, or of the last process
  rusage usage{};              // of all that was reaped: sums, and the largest ru_maxrss
  std::uint64_t leftover_processes_count = 0;
  std::uint64_t surviving_processes_count = 0;
};

/// Blocks the signals that the parent and the kernel speak to the launcher by, for good, together
/// with those that a terminal sends, which are the parent's to act upon. Gives the mask from
/// before.
sigset_t block_signals();

class Supervisor {
 public:
  struct Request {
    pid_t command;                       // a child of this process, which is a subreaper
    bool waits_for_whole_tree;           // false: the run is over when the command ends
    SystemCallTracer* tracer = nullptr;  // attached to the command; nullptr: untraced
  };

  explicit Supervisor(const Request& request) : request_(request) {}

  /// To be called once, after block_signals() and before anything else waits for a child.
  TreeEnd supervise();

 private:
  void reap_the_ended();
  void note_end(pid_t child, int wait_status, const rusage& usage);
  void note_tree_status(int wait_status);
  void ask_to_end() const;
  void kill_children();
  bool is_stuck() const;
  int next_signal() const;

  Request request_;
  TreeEnd end_;
  bool has_children_ = true;
  bool command_ended_ = false;
  bool is_killing_ = false;
  bool any_end_noted_ = false;         // one that was not the launcher's doing
  std::uint64_t dying_count_ = 0;      // children that were killed and not reaped yet
  std::uint64_t idle_naps_count_ = 0;  // since a child was reaped, while killing
};

}  // namespace heapwise

// Looks at a running process tree from outside: how its memory goes, who takes part, and whether it
// must be stopped before it harms the machine.
//
// A look costs time on another CPU and, where PSS is read, holds up the process's mmap and brk for
// as long. Looks are spaced by their own cost: at most 1 % of the time is spent on walking /proc
// and at most 2 % on PSS; what was spent is reported.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "bench/core/units.h"
#include "bench/program/process_tree.h"
#include "bench/run/watcher.h"

namespace heapwise {

struct TreeLimits {
  Bytes least_available;             // a run that leaves the machine less is stopped
  Bytes most_output;                 // so is one that writes more into any of these files
  std::vector<std::string> outputs;  // where the run's standard output and error go
};

struct WatchedTree {
  pid_t launcher = 0;               // the root; not a member
  std::string launcher_executable;  // a process that still is this image, before exec, is none yet
};

enum class TreeAlarm { kNone, kMemory, kOutput };

/// Memory of all processes together: the RSS of a single one, the sum of PSS of several, because
/// pages that they share would count twice.
struct TreeTimeline {
  std::vector<std::uint64_t> elapsed_ns;
  std::vector<std::uint64_t> tree_bytes;
  std::vector<std::uint64_t> vsz_bytes;
  std::vector<std::uint64_t> processes_count;
};

/// The process that was seen with the most resident memory: whose allocator matters.
struct LargestProcess {
  pid_t process = 0;
  std::string executable;  // empty: the run was too short for a look
  Bytes rss;
};

class TreeWatch : public Watcher {
 public:
  using Members = std::vector<pid_t>;

  /// Watches what the launcher has started, from now on. `also`, where given, is called at each
  /// look with the members; such a run is not timed, so its looks may take half of the time.
  TreeWatch(WatchedTree tree, TreeLimits limits, std::function<void(const Members&)> also = {});

  Nanoseconds due() const override { return due_; }
  bool look() override;

  /// The members now, for whoever needs them besides.
  Members members();

  TreeAlarm alarm() const { return alarm_; }
  Bytes available_at_alarm() const { return available_; }
  const TreeTimeline& timeline() const { return timeline_; }
  const LargestProcess& largest() const { return largest_; }
  const std::set<std::string>& executables() const { return executables_; }
  Bytes tree_peak() const { return tree_peak_; }
  Bytes vsz_peak() const { return vsz_peak_; }
  Nanoseconds spent() const { return spent_; }

 private:
  struct Sample {
    Bytes rss;
    Bytes vsz;
  };
  Sample read_members(const Members& members);
  void add_point(const Members& members, const Sample& sample);
  void check_limits();
  void thin_out();

  ProcessTree tree_;
  std::string launcher_executable_;
  TreeLimits limits_;
  std::function<void(const Members&)> also_;
  Nanoseconds started_;
  Nanoseconds due_;
  Nanoseconds least_pause_;
  Nanoseconds pss_due_;
  Nanoseconds limits_due_;
  Nanoseconds spent_;
  TreeAlarm alarm_ = TreeAlarm::kNone;
  Bytes available_;
  TreeTimeline timeline_;
  LargestProcess largest_;
  std::set<std::string> executables_;
  Bytes tree_peak_;
  Bytes vsz_peak_;
};

}  // namespace heapwise

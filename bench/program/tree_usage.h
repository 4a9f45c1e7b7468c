// What the processes of a tree have used so far: for a phase in the middle of a server's life, as
// the difference of two readings.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "bench/core/units.h"

namespace heapwise {

/// Since the tree began. CPU time of living processes is exact to the nanosecond in its sum, its
/// split into user and system is to the clock tick (10 ms); of ended ones both are to the tick.
/// Switches are those of threads that live; the kernel does not keep them for a process.
struct TreeUsage {
  Nanoseconds user_cpu;
  Nanoseconds system_cpu;
  std::uint64_t minor_faults_count = 0;
  std::uint64_t major_faults_count = 0;
  std::uint64_t voluntary_switches_count = 0;
  std::uint64_t involuntary_switches_count = 0;
};

/// Of the launcher's members, and of those that ended and were waited for: by a parent in the tree,
/// or as orphans by the launcher.
TreeUsage read_tree_usage(pid_t launcher, const std::vector<pid_t>& members);

/// From `before` to `after`; a counter that fell because threads ended counts as 0.
TreeUsage usage_between(const TreeUsage& before, const TreeUsage& after);

}  // namespace heapwise

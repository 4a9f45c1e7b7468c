// The living descendants of a process, from the parent links in /proc. The root is a launcher that
// adopts orphans, so a daemon that has left its session and its parent is found as well.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "bench/core/units.h"

namespace heapwise {

class ProcessTree {
 public:
  explicit ProcessTree(pid_t root) : root_(root) {}

  /// Its members at this moment: not the root, no zombies. A look reads only processes that are
  /// new or its own: strangers are remembered, because a stranger never becomes a descendant.
  std::vector<pid_t> look();

 private:
  pid_t root_;
  std::unordered_set<pid_t> strangers_;
};

/// From /proc/PID/statm; both 0 when it has ended.
struct ProcessMemory {
  Bytes rss;
  Bytes vsz;
};
ProcessMemory read_memory(pid_t process);

/// The proportional set size of /proc/PID/smaps_rollup; 0 when it has ended or may not be read.
/// Takes the kernel a walk over the process's page tables: 0.2 ms at 20 MB, 12.6 ms at 1 GB.
Bytes read_pss(pid_t process);

/// The file it executes; empty when it has ended.
std::string executable_of(pid_t process);

}  // namespace heapwise

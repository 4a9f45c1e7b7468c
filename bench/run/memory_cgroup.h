// A memory cgroup with a hard limit, of one run: its counters begin at 0, and no page cache of an
// earlier run is charged to it. Swap is left as it is.
//
//                 v1                        v2
//     limit       memory.limit_in_bytes     memory.max
//     killed      memory.oom_control        memory.events, oom_kill
//     hits        memory.failcnt            memory.events, max
//     peak        memory.max_usage_in_bytes memory.peak, from Linux 5.19 on
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/core/units.h"
#include "bench/run/cgroup_files.h"
#include "bench/run/cgroup_location.h"

namespace heapwise {

/// What the kernel has counted in a group; nothing: it does not count it.
struct MemoryPressure {
  std::optional<std::uint64_t> kills_count;       // processes it killed for want of memory
  std::optional<std::uint64_t> limit_hits_count;  // how often memory was asked for at the limit
  std::optional<Bytes> peak;                      // charged at once
};

class MemoryCgroup {
 public:
  /// Below `parent`, which on v2 must hand its memory controller down. `files` must outlive the
  /// group. Throws RunError with the reason where it cannot be made or limited.
  MemoryCgroup(CgroupFiles& files, const CgroupLocation& parent, Bytes limit);

  /// A process that writes `0` into it is a member from then on, and so are its children.
  std::string procs_file() const { return folder_.file("cgroup.procs"); }

  MemoryPressure pressure() const;

 private:
  std::optional<std::uint64_t> number_in(const std::string& name) const;
  /// Behind `key` in a file whose lines are KEY NUMBER.
  std::optional<std::uint64_t> number_in(const std::string& name, const std::string& key) const;

  CgroupFiles& files_;
  CgroupVersion version_;
  CgroupFolder folder_;
};

}  // namespace heapwise

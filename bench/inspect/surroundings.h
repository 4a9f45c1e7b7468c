// What the system around a process decides about its memory: huge pages, overcommit, its memory
// cgroup.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "bench/core/units.h"
#include "bench/run/cgroup_files.h"
#include "bench/run/cgroup_location.h"

namespace heapwise {

/// Of the process's group and those around it, the one that leaves least room.
struct CgroupMemory {
  CgroupVersion version = CgroupVersion::kV2;
  std::string folder;
  Bytes use;
  std::optional<Bytes> limit;  // nothing: none of them has a limit
};

struct Surroundings {
  std::string huge_pages;                   // always, madvise, never; empty where there are none
  bool process_takes_huge_pages = true;     // false after prctl(PR_SET_THP_DISABLE)
  std::optional<std::uint64_t> overcommit;  // 0 guessed, 1 always, 2 never more than commit_limit
  Bytes committed;
  Bytes commit_limit;
  Bytes memory;
  Bytes available;
  Bytes swap;
  std::uint64_t mappings_limit = 0;  // vm.max_map_count; 0 where it cannot be read
  std::optional<CgroupMemory> cgroup;
};

/// Of the system whose files these are. What cannot be read is left out.
Surroundings read_surroundings(const CgroupFiles& files, pid_t process);

}  // namespace heapwise

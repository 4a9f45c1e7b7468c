// The memory mappings of a process as the kernel accounts for them in /proc/PID/smaps.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heapwise {

/// Memory counted in both ways, in bytes.
struct ResidentMemory {
  std::uint64_t resident = 0;      // RSS: every page that is there
  std::uint64_t proportional = 0;  // PSS: a page that n processes share counts as one n-th

  ResidentMemory& operator+=(const ResidentMemory& other) {
    resident += other.resident;
    proportional += other.proportional;
    return *this;
  }
};

struct MemoryMapping {
  std::uint64_t begins = 0;
  std::uint64_t ends = 0;
  std::string name;  // a file's path, "[heap]" and its like, or "" for anonymous memory
  ResidentMemory memory;
  std::string permissions = "----";          // as the kernel writes them: "rw-p"
  std::uint64_t swapped_bytes = 0;           // not part of `memory`
  std::uint64_t transparent_huge_bytes = 0;  // anonymous ones; part of `memory`
  std::uint64_t hugetlb_bytes = 0;           // of explicit huge pages; not part of `memory`
};

/// Of /proc/PID/smaps, or of /proc/PID/maps, which has no figures. In the order of addresses. Lines
/// that are not understood are skipped.
std::vector<MemoryMapping> parse_memory_mappings(std::string_view smaps);

/// Empty when the process has ended or may not be looked at. The kernel looks at every page of the
/// process: about 12 ms for 1 GB of small pages.
std::vector<MemoryMapping> read_memory_mappings(pid_t process);

}  // namespace heapwise

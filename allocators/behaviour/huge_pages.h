// The machine's huge pages, and whether a piece of this process's memory may have or has them.
#pragma once

#include <cstdint>

namespace heapwise {

enum class HugePageMode { kUnknown, kAlways, kMadvise, kNever };

/// /sys/kernel/mm/transparent_hugepage/enabled
HugePageMode transparent_huge_pages();

/// /sys/kernel/mm/transparent_hugepage/hpage_pmd_size, 0 where there are none.
std::uint64_t transparent_huge_page_bytes();

struct MappingFlags {
  bool found = false;
  bool advised = false;  // "hg": MADV_HUGEPAGE was given
  bool hugetlb = false;  // "ht": from the pool of reserved huge pages
};

/// What /proc/self/smaps says of the mapping around `address`. Uses no heap.
MappingFlags mapping_flags(const void* address);

}  // namespace heapwise

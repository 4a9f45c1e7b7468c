// This process's memory as the kernel sees it now, read without heap and right in a fork too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapwise {

/// What is resident, counted page by page where the kernel does that (/proc/self/smaps_rollup).
struct Residence {
  std::int64_t rss_bytes = 0;
  std::int64_t lazily_freed_bytes = 0;  // of the RSS: MADV_FREE, taken when the system needs it

  std::int64_t held_bytes() const { return rss_bytes - lazily_freed_bytes; }
};

Residence read_residence();

/// What is mapped.
std::int64_t read_vsz_bytes();

/// Whether the page that holds `address` belongs to a mapping.
bool is_mapped(const void* address);

/// How many of the pages that lie wholly inside the object are resident.
std::int64_t count_resident_pages(const void* object, std::size_t size_bytes);

}  // namespace heapwise

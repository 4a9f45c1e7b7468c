// A file on storage, without a name, none of whose pages are in memory: reading one is a major
// fault. Nothing is left of it when the process ends, however it ends.
#pragma once

#include <cstdint>

#include "bench/experiment/usage.h"

namespace heapwise {

struct ColdFile {
  int descriptor = -1;
  const char* folder = "";
  std::int64_t pages_count = 0;

  bool is_open() const { return descriptor >= 0; }
};

/// The longest: 64 MiB where pages have 4 KiB.
inline constexpr std::int64_t kMostColdPages = 16'384;

/// In the first folder of TMPDIR, /var/tmp, /tmp and the current one where the kernel really drops
/// a file's pages when asked; it does not where files live in memory. Not open: in none of them.
/// Precondition: 1 <= pages_count <= kMostColdPages.
ColdFile make_cold_file(std::int64_t pages_count);

/// Makes it `pages_count` long, and cold again. False: no room, or some page stays in memory.
bool grow(ColdFile& file, std::int64_t pages_count);

/// Reads a byte of each page through a fresh mapping for which MADV_RANDOM has switched reading
/// ahead off. Only the reading is in the answer. Zero everywhere: it could not be mapped.
Usage read_each_page(const ColdFile& file);

}  // namespace heapwise

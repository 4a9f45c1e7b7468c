#include "bench/experiment/pages.h"

#include <link.h>
#include <stddef.h>

namespace heapwise {
namespace {

/// Reads a byte of each page that was loaded from a file.
int read_pages_of(dl_phdr_info* object, std::size_t, void*) {
  const auto page_bytes = static_cast<std::size_t>(getpagesize());
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_R) == 0) continue;
    const auto begin = object->dlpi_addr + segment.p_vaddr;
    for (std::size_t at = 0; at < segment.p_filesz; at += page_bytes) {
      static_cast<void>(*reinterpret_cast<const volatile char*>(begin + at));
    }
  }
  return 0;
}

}  // namespace

void make_program_resident() {
  dl_iterate_phdr(read_pages_of, nullptr);
}

}  // namespace heapwise

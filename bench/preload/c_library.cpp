#include "bench/preload/c_library.h"

#include <link.h>

#include <algorithm>

#include "bench/preload/dynamic_symbols.h"

namespace heapwise {
namespace {

// What the C library defines and no other object, and what the dynamic linker does.
constexpr std::array kMarks{"gnu_get_libc_version", "__tls_get_addr"};
using Ranges = std::array<LoadedRange, kMarks.size()>;

LoadedRange range_of(const dl_phdr_info& object) {
  std::uintptr_t begins = UINTPTR_MAX;
  std::uintptr_t ends = 0;
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    begins = std::min(begins, object.dlpi_addr + segment.p_vaddr);
    ends = std::max(ends, object.dlpi_addr + segment.p_vaddr + segment.p_memsz);
  }
  return {begins, ends - begins};
}

int visit(dl_phdr_info* object, std::size_t, void* data) {
  auto& ranges = *static_cast<Ranges*>(data);
  const DynamicSymbols symbols(*object);
  for (std::size_t i = 0; i < kMarks.size(); ++i) {
    if (symbols.defines(kMarks[i])) ranges[i] = range_of(*object);
  }
  return 0;
}

}  // namespace

void CLibrary::find() {
  dl_iterate_phdr(visit, &ranges_);
}

}  // namespace heapwise

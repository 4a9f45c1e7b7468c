// The statistics in the forms that programs for the GNU C library ask for.

#include <cerrno>
#include <climits>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"
#include "allocators/reference/message.h"

namespace {

struct Row {
  const char* name;
  unsigned long long refmalloc_statistics::*value;
};

constexpr Row kRows[] = {
    {"mapped_bytes", &refmalloc_statistics::mapped_bytes},
    {"resident_estimate_bytes", &refmalloc_statistics::resident_estimate_bytes},
    {"active_bytes", &refmalloc_statistics::active_bytes},
    {"large_bytes", &refmalloc_statistics::large_bytes},
    {"retained_bytes", &refmalloc_statistics::retained_bytes},
    {"dirty_bytes", &refmalloc_statistics::dirty_bytes},
    {"metadata_bytes", &refmalloc_statistics::metadata_bytes},
    {"mmap_count", &refmalloc_statistics::mmap_count},
    {"munmap_count", &refmalloc_statistics::munmap_count},
    {"madvise_count", &refmalloc_statistics::madvise_count},
    {"mremap_count", &refmalloc_statistics::mremap_count},
    {"refills_count", &refmalloc_statistics::refills_count},
    {"flushes_count", &refmalloc_statistics::flushes_count},
    {"remote_batches_count", &refmalloc_statistics::remote_batches_count},
    {"purges_count", &refmalloc_statistics::purges_count},
    {"arenas_count", &refmalloc_statistics::arenas_count},
};
static_assert(sizeof kRows / sizeof kRows[0] ==
              sizeof(refmalloc_statistics) / sizeof(unsigned long long));

int narrowed(std::size_t value) {
  return value > INT_MAX ? INT_MAX : static_cast<int>(value);
}

}  // namespace

extern "C" {

// Mapped memory of the arenas, that of large objects, in use and free; the rest has no meaning
// here.
RefmallocMallinfo2 REFMALLOC_NAME(mallinfo2)() noexcept {
  const refmalloc_statistics now = refmalloc::statistics();
  RefmallocMallinfo2 info{};
  info.arena = now.active_bytes + now.retained_bytes - now.large_bytes;
  info.hblkhd = now.large_bytes;
  info.uordblks = now.active_bytes;
  info.fordblks = now.retained_bytes;
  info.keepcost = now.dirty_bytes;
  return info;
}

RefmallocMallinfo REFMALLOC_NAME(mallinfo)() noexcept {
  const RefmallocMallinfo2 wide = REFMALLOC_NAME(mallinfo2)();
  RefmallocMallinfo info{};
  info.arena = narrowed(wide.arena);
  info.hblkhd = narrowed(wide.hblkhd);
  info.uordblks = narrowed(wide.uordblks);
  info.fordblks = narrowed(wide.fordblks);
  info.keepcost = narrowed(wide.keepcost);
  return info;
}

void REFMALLOC_NAME(malloc_stats)() noexcept {
  const refmalloc_statistics now = refmalloc::statistics();
  for (const Row& row : kRows) {
    refmalloc::Message().text(row.name).text(" ").number(now.*row.value).write();
  }
}

int REFMALLOC_NAME(malloc_info)(int options, FILE* stream) noexcept {
  if (options != 0) return EINVAL;
  const refmalloc_statistics now = refmalloc::statistics();
  if (fputs("<malloc version=\"refmalloc-" REFMALLOC_VERSION "\">\n", stream) < 0) return -1;
  for (const Row& row : kRows) {
    fprintf(stream, "  <%s>%llu</%s>\n", row.name, now.*row.value, row.name);
  }
  return fputs("</malloc>\n", stream) < 0 ? -1 : 0;
}

}  // extern "C"

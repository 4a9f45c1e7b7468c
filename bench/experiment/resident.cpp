// When memory becomes resident: at the first use of each page, not at malloc, and a page at a time.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"

namespace heapwise {
namespace {

std::size_t page_size_bytes() {
  return static_cast<std::size_t>(getpagesize());
}

char* page_of(const volatile void* address) {
  return reinterpret_cast<char*>(reinterpret_cast<std::uintptr_t>(address) &
                                 ~(page_size_bytes() - 1));
}

/// The bytes of all pages that [address, address + size_bytes) lies in and that are resident.
/// Exact, as the RSS in /proc is not in every kernel.
std::size_t resident_bytes(const volatile void* address, std::size_t size_bytes) {
  const std::size_t page_bytes = page_size_bytes();
  const char* const end = static_cast<const char*>(const_cast<const void*>(address)) + size_bytes;
  std::size_t resident = 0;
  for (char* page = page_of(address); page < end; page += page_bytes) {
    unsigned char is_resident = 0;
    if (mincore(page, page_bytes, &is_resident) == 0 && (is_resident & 1) != 0)
      resident += page_bytes;
  }
  return resident;
}

/// Tells NAME_resident_bytes of a block that has just been allocated.
void tell_resident(Report& report, const char* name, const void* block, std::size_t size_bytes) {
  if (block == nullptr) report.refuse(name, "malloc gave no block");
  report.value(name, resident_bytes(block, size_bytes));
}

}  // namespace

/// Argument: size in MiB (100). Tells the growth of VSZ, RSS and minor faults by malloc
/// (allocate_*) and by a write to each of its pages (touch_*). What malloc's code and data fault in
/// at its first call is left out by a malloc(1) before.
void first_touch(Report& report, const Arguments& arguments) {
  const auto size = static_cast<std::size_t>(arguments.number(0, 100)) << 20;
  malloc(1);
  const ProcessState before = report.step("malloc(1)");
  auto* const bytes = static_cast<volatile char*>(malloc(size));
  if (bytes == nullptr) report.refuse("malloc of that size");
  const ProcessState allocated = report.step("malloc", const_cast<char*>(bytes));
  for (std::size_t at = 0; at < size; at += page_size_bytes()) bytes[at] = 1;
  bytes[size - 1] = 1;
  const ProcessState touched = report.step("a write to each page", const_cast<char*>(bytes));
  report.value("size_bytes", size);
  report.value("allocate_vsz_bytes", allocated.vsz_bytes - before.vsz_bytes);
  report.value("allocate_rss_bytes", allocated.rss_bytes - before.rss_bytes);
  report.value("allocate_faults_count", allocated.minor_faults_count - before.minor_faults_count);
  report.value("touch_rss_bytes", touched.rss_bytes - allocated.rss_bytes);
  report.value("touch_faults_count", touched.minor_faults_count - allocated.minor_faults_count);
}

/// Blocks right after their allocation, none written to by this experiment. Tells the resident
/// bytes of malloc_top (50,000 bytes from a heap of which nothing has been used), calloc_top (the
/// same by calloc) and calloc_mapped (1 MiB by calloc), each as NAME_resident_bytes, and size_bytes
/// and mapped_size_bytes.
void calloc_touch(Report& report, const Arguments&) {
  constexpr std::size_t kSizeBytes = 50'000;
  constexpr std::size_t kMappedSizeBytes = std::size_t{1} << 20;
  report.value("size_bytes", kSizeBytes);
  report.value("mapped_size_bytes", kMappedSizeBytes);
  malloc(1);
  report.step("malloc(1): the heap has room now");
  void* const from_top = malloc(kSizeBytes);
  report.step("malloc(50,000)", from_top);
  tell_resident(report, "malloc_top_resident_bytes", from_top, kSizeBytes);
  void* const cleared = calloc(1, kSizeBytes);
  report.step("calloc(1, 50,000)", cleared);
  tell_resident(report, "calloc_top_resident_bytes", cleared, kSizeBytes);
  void* const mapped = calloc(1, kMappedSizeBytes);
  report.step("calloc(1, 1 MiB)", mapped);
  tell_resident(report, "calloc_mapped_resident_bytes", mapped, kMappedSizeBytes);
}

/// malloc(1 MiB) under mlockall. Tells lock_error where that is not allowed, otherwise size_bytes
/// and locked_resident_bytes.
void locked_touch(Report& report, const Arguments&) {
  constexpr std::size_t kSizeBytes = std::size_t{1} << 20;
  report.step("at the start");
  if (mlockall(MCL_FUTURE) < 0) return report.text("lock_error", strerrordesc_np(errno));
  report.step("mlockall(MCL_FUTURE)");
  void* const block = malloc(kSizeBytes);
  if (block == nullptr)
    return report.text("lock_error", "the limit of locked memory (ulimit -l) is too low");
  report.step("malloc(1 MiB)", block);
  report.value("size_bytes", kSizeBytes);
  report.value("locked_resident_bytes", resident_bytes(block, kSizeBytes));
}

/// Writes to the first bytes of page-aligned memory that nothing has touched. Tells the curve
/// resident_bytes (over the bytes written: 1, 5 and 7 KiB), and of a malloc'ed block
/// block_offset_bytes (how far into its page it begins) and block_page_resident_bytes (of one
/// page's size written from its beginning).
void page_steps(Report& report, const Arguments&) {
  constexpr std::size_t kWritten[] = {1 << 10, 5 << 10, 7 << 10};
  constexpr const char* kLabels[] = {"1 KiB written", "5 KiB written, elsewhere",
                                     "7 KiB written, elsewhere"};
  constexpr std::size_t kSizeBytes = std::size_t{1} << 20;
  const std::size_t page_bytes = page_size_bytes();
  auto* const block = static_cast<char*>(malloc(kSizeBytes));
  if (block == nullptr) report.refuse("malloc(1 MiB)");
  report.step("malloc(1 MiB)", block);
  char* area = page_of(block) + 16 * page_bytes;
  for (int i = 0; i < 3; ++i, area += 16 * page_bytes) {
    memset(area, 1, kWritten[i]);
    report.step(kLabels[i], area);
    report.point("resident_bytes", static_cast<double>(kWritten[i]),
                 static_cast<double>(resident_bytes(area, 8 * page_bytes)));
  }
  memset(block, 1, page_bytes);
  report.step("one page's size written, from the block's beginning", block);
  report.value("page_bytes", page_bytes);
  report.value("block_offset_bytes", block - page_of(block));
  report.value("block_page_resident_bytes", resident_bytes(block, 8 * page_bytes));
}

/// Writes one byte to memory for which madvise asked for huge pages. Tells huge_step_bytes: what
/// became resident.
void huge_page_step(Report& report, const Arguments&) {
  constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
  void* const memory =
      mmap(nullptr, 2 * kHugePageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap of 4 MiB");
  const auto aligned =
      (reinterpret_cast<std::uintptr_t>(memory) + kHugePageBytes - 1) & ~(kHugePageBytes - 1);
  auto* const area = reinterpret_cast<volatile char*>(aligned);
  report.step("mmap of 4 MiB", memory);
  if (madvise(reinterpret_cast<void*>(aligned), kHugePageBytes, MADV_HUGEPAGE) < 0) {
    report.text("huge_page_error", strerrordesc_np(errno));
  }
  report.step("madvise(MADV_HUGEPAGE)", memory);
  area[0] = 1;
  report.step("one byte written", memory);
  report.value("huge_step_bytes", resident_bytes(area, kHugePageBytes));
}

}  // namespace heapwise

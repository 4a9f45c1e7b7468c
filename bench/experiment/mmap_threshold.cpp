// From which size on malloc gives a block a mapping of its own, and what moves that size.
#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <initializer_list>

#include "bench/experiment/bisection.h"
#include "bench/experiment/experiment.h"
#include "bench/experiment/glibc_top.h"
#include "bench/experiment/in_fork.h"
#include "bench/experiment/mapped_chunk.h"

namespace heapwise {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kLongestLabel = 80;

void tell_boundary(Report& report, const MappingBoundary& boundary) {
  report.value("largest_heap_bytes", boundary.largest_other_bytes);
  report.value("smallest_mapped_bytes", boundary.smallest_mapped_bytes);
}

/// Steps of one malloc, the smaller of the two last: it may move the heap's end.
void show_boundary(Report& report, const MappingBoundary& boundary) {
  report.step("sizes tried, each in a fork");
  char label[kLongestLabel];
  for (const std::size_t size_bytes :
       {boundary.smallest_mapped_bytes, boundary.largest_other_bytes}) {
    if (size_bytes == 0) continue;
    snprintf(label, sizeof label, "malloc(%zu)", size_bytes);
    report.step(label, malloc(size_bytes));
  }
}

int is_cpp_runtime(dl_phdr_info* object, std::size_t, void*) {
  return object->dlpi_name != nullptr && strstr(object->dlpi_name, "libstdc++") != nullptr ? 1 : 0;
}

/// What a free of two neighbouring blocks at the heap's end made of the top.
struct FreedTop {
  std::size_t bytes;  // the top as it was, or would have been
  bool was_returned;
};

/// Two blocks from the heap's end, freed downwards: the second free makes a top of both and of what
/// was left behind them. Leaves the heap changed: only for a fork.
FreedTop free_at_top(std::size_t lower_bytes, std::size_t upper_bytes) {
  void* const lower = malloc(lower_bytes);
  void* const upper = malloc(upper_bytes);
  free(upper);
  const std::size_t lower_chunk_bytes = malloc_usable_size(lower) + sizeof(std::size_t);
  const std::size_t bytes = top_bytes() + lower_chunk_bytes;
  const void* const end = sbrk(0);
  free(lower);
  return {.bytes = bytes, .was_returned = sbrk(0) < end};
}

/// Tells largest_kept_top_bytes and smallest_returned_top_bytes: sizes of a free top, a page apart,
/// of which free gives the second back and not the first. Nothing where no size tried is.
void tell_trim_boundary(Report& report) {
  constexpr std::size_t kLowerBytes = 1'000'000;
  constexpr std::size_t kFewestPages = 16;  // free looks at the top for blocks of 64 KiB or more
  constexpr std::size_t kMostPages = 240;   // below the size from which on blocks are mapped
  const std::size_t page_bytes = static_cast<std::size_t>(getpagesize());
  const auto outcome = [&](std::size_t pages) {
    return in_fork<FreedTop>(report, [&] { return free_at_top(kLowerBytes, pages * page_bytes); });
  };
  const auto is_kept = [&](std::size_t pages) { return !outcome(pages).was_returned; };
  if (!is_kept(kFewestPages) || is_kept(kMostPages)) return;
  const std::size_t pages = last_true(kFewestPages, kMostPages, is_kept);
  report.value("largest_kept_top_bytes", outcome(pages).bytes);
  report.value("smallest_returned_top_bytes", outcome(pages + 1).bytes);
}

/// Whether a second block of that size comes from the heap because the first, mapped, was freed.
/// Moves the threshold: only for a fork.
bool threshold_follows(std::size_t size_bytes) {
  const NewBlock first = allocate_block(size_bytes);
  if (!first.came_mapped()) return false;
  free(first.address);
  const NewBlock second = allocate_block(size_bytes);
  return second.address != nullptr && !second.came_mapped();
}

/// The kernel would give this process one more mapping.
bool kernel_maps(std::size_t size_bytes) {
  void* const memory =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, size_bytes);
  return true;
}

}  // namespace

/// Tells largest_heap_bytes and smallest_mapped_bytes, found with the top of the heap used up, and
/// word_bytes.
void mapping_boundary(Report& report, const Arguments&) {
  report.value("word_bytes", sizeof(std::size_t));
  report.step("at the start");
  use_up_top();
  report.step("until nothing is free: malloc");
  const MappingBoundary boundary = find_mapping_boundary(report, 64 * kMiB);
  tell_boundary(report, boundary);
  show_boundary(report, boundary);
}

/// The same for the very first malloc of a process; and cpp_runtime_loaded, whether libstdc++ is in
/// this process and may have called malloc before.
void fresh_boundary(Report& report, const Arguments&) {
  report.step("at the start");
  const MappingBoundary boundary = find_mapping_boundary(report, 64 * kMiB);
  tell_boundary(report, boundary);
  report.value("cpp_runtime_loaded", dl_iterate_phdr(is_cpp_runtime, nullptr));
  show_boundary(report, boundary);
}

/// malloc(1 MiB) twice, with a free between. Tells first_is_mapped and second_is_mapped (1 or 0),
/// mapped_chunk_bytes (what the first took), largest_heap_bytes and smallest_mapped_bytes as they
/// are then, and the trim boundary (tell_trim_boundary).
void threshold_after_free(Report& report, const Arguments&) {
  report.step("at the start");
  const NewBlock first = allocate_block(kMiB);
  report.step("malloc(1 MiB)", first.address);
  report.value("first_is_mapped", first.came_mapped() ? 1 : 0);
  report.value("mapped_chunk_bytes", malloc_usable_size(first.address) + 2 * sizeof(std::size_t));
  free(first.address);
  report.step("free");
  const NewBlock second = allocate_block(kMiB);
  report.step("malloc(1 MiB)", second.address);
  report.value("second_is_mapped", second.came_mapped() ? 1 : 0);
  use_up_top();
  report.step("until nothing is free: malloc");
  tell_trim_boundary(report);
  const MappingBoundary boundary = find_mapping_boundary(report, 64 * kMiB);
  tell_boundary(report, boundary);
  show_boundary(report, boundary);
}

/// Tells largest_followed_bytes and smallest_not_followed_bytes: sizes of mapped blocks, one byte
/// apart, of which free makes the first the new threshold and not the second. 0 for either: it does
/// so for no, or for every size tried. Tells highest_tried_bytes.
void threshold_limit(Report& report, const Arguments&) {
  constexpr std::size_t kLowestBytes = kMiB;
  constexpr std::size_t kHighestBytes = 256 * kMiB;
  const auto follows = [&](std::size_t size_bytes) {
    return in_fork<bool>(report, [&] { return threshold_follows(size_bytes); });
  };
  report.step("at the start");
  report.value("highest_tried_bytes", kHighestBytes);
  const bool follows_low = follows(kLowestBytes);
  const bool follows_high = follows(kHighestBytes);
  const std::size_t last =
      follows_low && !follows_high ? last_true(kLowestBytes, kHighestBytes, follows) : 0;
  report.value("largest_followed_bytes", follows_high ? kHighestBytes : last);
  report.value("smallest_not_followed_bytes", follows_high  ? 0
                                              : follows_low ? last + 1
                                                            : kLowestBytes);
  if (last == 0) return;
  report.step("sizes tried, each in a fork");
  for (const std::size_t size_bytes : {last + 1, last}) {
    char label[kLongestLabel];
    void* const first = malloc(size_bytes);
    snprintf(label, sizeof label, "malloc(%zu)", size_bytes);
    report.step(label, first);
    free(first);
    report.step("free");
    report.step(label, malloc(size_bytes));
  }
}

/// malloc of blocks of 128 KiB, all kept, until one comes from the heap. Tells mapped_blocks_count
/// (those before it), comes_from_heap_then (1, or 0 when kMostBlocks were all mapped) and
/// kernel_still_maps (1 or 0).
void mapped_blocks(Report& report, const Arguments&) {
  constexpr std::size_t kSizeBytes = 128 << 10;
  constexpr int kMostBlocks = 200'000;
  use_up_top();
  report.step("until nothing is free: malloc");
  const std::size_t page_bytes = static_cast<std::size_t>(getpagesize());
  int count = 0;
  bool is_in_heap = false;
  void* block = nullptr;
  while (count < kMostBlocks) {
    const void* const end = sbrk(0);
    block = malloc(kSizeBytes);
    if (block == nullptr) report.refuse("malloc of so many mapped blocks");
    is_in_heap = sbrk(0) != end;
    if (is_in_heap) break;
    ++count;
    // Only the header has been written; without it 65,536 blocks would take 256 MiB of memory.
    madvise(reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(block) & ~(page_bytes - 1)),
            page_bytes, MADV_DONTNEED);
    if (count == 1) report.step("the first malloc(128 KiB)", block);
  }
  report.step("the first malloc(128 KiB) that is not mapped, or the last", block);
  report.value("mapped_blocks_count", count);
  report.value("comes_from_heap_then", is_in_heap ? 1 : 0);
  report.value("kernel_still_maps", kernel_maps(kSizeBytes) ? 1 : 0);
}

/// mallopt(M_MMAP_THRESHOLD, 64 KiB), then malloc(70,000) twice, and a third time after a free of
/// the second. Tells first_is_mapped, second_is_mapped, third_is_mapped (1 or 0), and with the top
/// used up largest_heap_bytes and smallest_mapped_bytes.
void threshold_by_mallopt(Report& report, const Arguments&) {
  constexpr std::size_t kSizeBytes = 70'000;
  if (mallopt(M_MMAP_THRESHOLD, 64 << 10) == 0)
    report.refuse("mallopt(M_MMAP_THRESHOLD, 64 KiB)", "it returned 0");
  report.step("mallopt(M_MMAP_THRESHOLD, 64 KiB)");
  const NewBlock first = allocate_block(kSizeBytes);
  report.step("malloc(70,000)", first.address);
  const NewBlock second = allocate_block(kSizeBytes);
  report.step("malloc(70,000)", second.address);
  free(second.address);
  report.step("free of the second");
  const NewBlock third = allocate_block(kSizeBytes);
  report.step("malloc(70,000)", third.address);
  report.value("first_is_mapped", first.came_mapped() ? 1 : 0);
  report.value("second_is_mapped", second.came_mapped() ? 1 : 0);
  report.value("third_is_mapped", third.came_mapped() ? 1 : 0);
  use_up_top();
  report.step("until nothing is free: malloc");
  tell_boundary(report, find_mapping_boundary(report, 64 * kMiB));
}

/// Tells largest_accepted_bytes (of all values that mallopt takes for M_MMAP_THRESHOLD: an int),
/// largest_possible_bytes, and with 64 MiB asked for by mallopt (asked_bytes) largest_heap_bytes
/// and smallest_mapped_bytes.
void threshold_values(Report& report, const Arguments&) {
  constexpr int kAsked = 64 << 20;
  const auto accepts = [&](std::size_t value) {
    return in_fork<bool>(report,
                         [&] { return mallopt(M_MMAP_THRESHOLD, static_cast<int>(value)) != 0; });
  };
  report.step("at the start");
  const bool accepts_all = accepts(INT_MAX);
  const std::size_t largest = accepts_all  ? INT_MAX
                              : accepts(1) ? last_true(1, INT_MAX, accepts)
                                           : 0;
  report.value("largest_accepted_bytes", largest);
  report.value("largest_possible_bytes", INT_MAX);
  report.value("asked_bytes", kAsked);
  const bool is_accepted = mallopt(M_MMAP_THRESHOLD, kAsked) != 0;
  report.step(is_accepted ? "mallopt(M_MMAP_THRESHOLD, 64 MiB): 1"
                          : "mallopt(M_MMAP_THRESHOLD, 64 MiB): 0");
  use_up_top();
  report.step("until nothing is free: malloc");
  const MappingBoundary boundary = find_mapping_boundary(report, 256 * kMiB);
  tell_boundary(report, boundary);
  show_boundary(report, boundary);
}

}  // namespace heapwise

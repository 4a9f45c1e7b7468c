#include "allocators/behaviour/glibc_heap.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "allocators/behaviour/huge_pages.h"

namespace heapwise::glibc {

void* allocate_chunk(std::uint64_t chunk) {
  void* volatile object = std::malloc(chunk - kHeader);
  return object;
}

bool is_mapped_alone(const void* object) {
  constexpr std::size_t kMappedFlag = 2;
  return (static_cast<const std::size_t*>(object)[-1] & kMappedFlag) != 0;
}

std::uint64_t mmap_threshold(const GlibcSettings& settings) {
  return settings.mmap_threshold.value_or(kDefaultMmapThreshold);
}

std::uint64_t largest_heap_chunk(const GlibcSettings& settings) {
  constexpr std::uint64_t kNothingMapped = std::uint64_t{1} << 30;
  if (settings.mmap_max == 0U) return kNothingMapped;
  const auto threshold = mmap_threshold(settings);
  return threshold == 0 ? 0 : std::min(round_down(threshold - 1, kAlignment), kNothingMapped);
}

bool heap_is_brk(const GlibcSettings& settings) {
  return settings.hugetlb.value_or(0) < 2;
}

std::uint64_t heap_step(const GlibcSettings& settings) {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (settings.hugetlb != 1U || transparent_huge_pages() != HugePageMode::kMadvise) return page;
  return std::max(transparent_huge_page_bytes(), page);
}

bool drain_top(std::uint64_t chunk, std::uint64_t largest) {
  for (std::uint64_t taken = 0; taken < kMostObjects; ++taken) {
    const auto top = top_bytes();
    if (top < chunk + kSmallestChunk) return true;
    // The rest of the top must hold a smallest chunk: it is never used up.
    const auto fits = round_down(top - kSmallestChunk, kAlignment);
    if (allocate_chunk(std::max(std::min(largest, fits), kSmallestChunk)) == nullptr) return false;
  }
  return false;
}

bool is_affordable(const GlibcSettings& settings, std::uint64_t bytes) {
  constexpr std::uint64_t kMostFilled = std::uint64_t{128} << 20;
  return settings.perturb.value_or(0) == 0 || bytes <= kMostFilled;
}

bool brk_can_grow(std::uint64_t bytes) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 46;
  if (bytes > kMost) return false;
  if (sbrk(static_cast<std::intptr_t>(bytes)) == reinterpret_cast<void*>(-1)) return false;
  sbrk(-static_cast<std::intptr_t>(bytes));
  return true;
}

}  // namespace heapwise::glibc

// glibc's chunks and main heap as they can be seen from outside. Sizes are chunk sizes: what malloc
// is asked for, plus 8 bytes of header, rounded up to 16, and at least 32.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <cstdint>

#include "allocators/behaviour/glibc_probes.h"

namespace heapwise::glibc {

inline constexpr std::uint64_t kAlignment = 16;
inline constexpr std::uint64_t kHeader = 8;
inline constexpr std::uint64_t kSmallestChunk = 32;
// Above every size that may lie in a thread cache or a fastbin as these are by default.
inline constexpr std::uint64_t kAboveCaches = 1056;
inline constexpr std::uint64_t kDefaultMmapThreshold = std::uint64_t{128} << 10;
inline constexpr std::uint64_t kDefaultTopPad = std::uint64_t{128} << 10;
inline constexpr std::uint64_t kDefaultCacheCount = 7;
inline constexpr std::uint64_t kLargestCachedRequest = 1032;
inline constexpr std::uint64_t kLargestCacheCount = 65535;
// A probe that would need more objects than this would disturb the machine: it gives up instead.
inline constexpr std::uint64_t kMostObjects = 32768;

constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t unit) {
  return value / unit * unit;
}
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return round_down(value + unit - 1, unit);
}
/// The chunk a request is served with.
constexpr std::uint64_t chunk_of(std::uint64_t request) {
  const auto chunk = round_up(request + kHeader, kAlignment);
  return chunk < kSmallestChunk ? kSmallestChunk : chunk;
}

/// malloc of exactly this chunk size, a multiple of 16; nullptr where there is no memory.
void* allocate_chunk(std::uint64_t chunk);

bool is_mapped_alone(const void* object);
inline std::uint64_t top_bytes() {
  return mallinfo2().keepcost;
}
inline std::uint64_t in_use_bytes() {
  return mallinfo2().uordblks;
}
inline std::uint64_t mapped_objects() {
  return mallinfo2().hblks;
}

/// The threshold from which objects are mapped alone while the dynamic rule has not yet moved it.
std::uint64_t mmap_threshold(const GlibcSettings& settings);

/// The largest chunk that comes from the heap: below the threshold.
std::uint64_t largest_heap_chunk(const GlibcSettings& settings);

/// Whether the heap grows by brk at all; hugetlb=2 maps it.
bool heap_is_brk(const GlibcSettings& settings);

/// The unit in which the heap's end moves: a page, or a huge page under hugetlb=1.
std::uint64_t heap_step(const GlibcSettings& settings);

/// Takes chunks of at most `largest` until fewer than `chunk` bytes can come from the heap's top.
/// False where that needs too many objects.
bool drain_top(std::uint64_t chunk, std::uint64_t largest);

/// Whether a probe may allocate this much: it touches next to nothing of it, unless perturb fills
/// it.
bool is_affordable(const GlibcSettings& settings, std::uint64_t bytes);

/// Whether brk can move by `bytes`; leaves it where it was.
bool brk_can_grow(std::uint64_t bytes);

}  // namespace heapwise::glibc

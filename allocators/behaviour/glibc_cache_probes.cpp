// tcache_count, tcache_max, mxfast, perturb: what happens to small objects inside a thread.
//
// mallinfo2 counts an object in a thread's cache as used and one in a fastbin as free: `uordblks`
// falls exactly when a freed object was not cached.
#include <sys/mman.h>

#include <algorithm>
#include <cinttypes>
#include <cstdlib>
#include <cstring>

#include "allocators/behaviour/glibc_heap.h"

namespace heapwise {
namespace {

using namespace glibc;

constexpr std::uint64_t kSpareObjects = 64;  // more than a start-up leaves in any cache

/// Many objects of one chunk size, freed together. The table is mapped: it is no part of the heap.
class Herd {
 public:
  Herd(std::uint64_t chunk, std::uint64_t count) : count_(count) {
    void* table = mmap(nullptr, count * sizeof(void*), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED) return;
    objects_ = static_cast<void**>(table);
    for (std::uint64_t i = 0; i < count; ++i) {
      objects_[i] = allocate_chunk(chunk);
      if (objects_[i] == nullptr || is_mapped_alone(objects_[i])) return;
    }
    is_complete_ = true;
  }
  /// All objects lie on the heap.
  bool is_complete() const { return is_complete_; }
  void free_first(std::uint64_t count) {
    for (std::uint64_t i = 0; i < std::min(count, count_); ++i) std::free(objects_[i]);
  }

 private:
  std::uint64_t count_;
  void** objects_ = nullptr;
  bool is_complete_ = false;
};

/// Whether a freed object of this chunk size stays in the thread's cache; `known` is false where
/// such objects cannot be had from the heap.
bool is_cached(std::uint64_t chunk, bool& known) {
  Herd herd(chunk, kSpareObjects);  // takes everything out of the cache first
  known = herd.is_complete();
  if (!known) return false;
  const auto before = in_use_bytes();
  herd.free_first(1);
  return in_use_bytes() == before;
}

/// Whether freed objects of this chunk size go to a fastbin once the thread's cache is full.
bool is_fast(std::uint64_t chunk, std::uint64_t cached, bool& known) {
  Herd herd(chunk, cached + kSpareObjects);
  known = herd.is_complete();
  if (!known) return false;
  const auto before = mallinfo2().smblks;
  herd.free_first(cached + kSpareObjects);
  return mallinfo2().smblks > before;
}

/// An upper bound on the depth of the thread's cache, whether or not the setting is obeyed.
std::uint64_t deepest_cache(const GlibcSettings& settings) {
  const auto wanted = settings.tcache_count.value_or(kDefaultCacheCount);
  return std::max(std::min(wanted, kLargestCacheCount), kDefaultCacheCount);
}

}  // namespace

void probe_tcache_count(const GlibcSettings& settings, ProbeAnswer& answer) {
  constexpr std::uint64_t kChunk = 208;
  const auto largest = chunk_of(
      std::min(settings.tcache_max.value_or(kLargestCachedRequest), kLargestCachedRequest));
  const auto chunk = std::min(kChunk, largest);
  const auto wanted = *settings.tcache_count;
  const auto count = std::min(wanted, kLargestCacheCount + 1) + kSpareObjects;
  Herd herd(chunk, count);
  if (!herd.is_complete()) return answer.hide("mmap_threshold leaves no small object on the heap");
  const auto before = in_use_bytes();
  herd.free_first(count);
  const auto cached = count - (before - in_use_bytes()) / chunk;
  if (cached == wanted) return answer.verify("%" PRIu64 " objects are kept", cached);
  if (cached < count) return answer.contradict("%" PRIu64 " objects are kept", cached);
  answer.see("at least %" PRIu64 " objects are kept", cached);
  answer.hide("more would fill the machine");
}

void probe_tcache_max(const GlibcSettings& settings, ProbeAnswer& answer) {
  if (settings.tcache_count == 0U) return answer.hide("tcache_count=0 leaves nothing to see");
  constexpr std::uint64_t kLargestTried = std::uint64_t{64} << 10;
  const auto wanted = chunk_of(std::min(*settings.tcache_max, kLargestTried));
  const auto largest = std::min(wanted, largest_heap_chunk(settings));
  if (largest < kSmallestChunk) return answer.hide("mmap_threshold leaves no object on the heap");
  bool known = false;
  const bool cached = is_cached(largest, known);
  if (!known) return answer.hide("mmap_threshold leaves no object of that size on the heap");
  if (!cached) {
    return answer.contradict("%" PRIu64 " bytes are not kept", largest - kHeader);
  }
  if (largest < wanted || wanted < chunk_of(*settings.tcache_max)) {
    answer.see("%" PRIu64 " bytes are kept", largest - kHeader);
    return answer.hide("larger objects were not tried");
  }
  const bool next_cached = is_cached(wanted + kAlignment, known);
  if (!known) return answer.hide("mmap_threshold hides the next larger object");
  if (next_cached) {
    return answer.contradict("%" PRIu64 " bytes are kept too", wanted + kAlignment - kHeader);
  }
  answer.verify("objects up to %" PRIu64 " bytes are kept", wanted - kHeader);
}

void probe_mxfast(const GlibcSettings& settings, ProbeAnswer& answer) {
  constexpr std::uint64_t kAboveEveryFastbin = 176;
  const auto wanted = *settings.mxfast;
  // As glibc rounds it; the smallest chunk has 32 bytes.
  const auto largest =
      wanted > kAboveEveryFastbin ? kAboveEveryFastbin : round_down(wanted + kHeader, kAlignment);
  const auto cached = deepest_cache(settings);
  bool known = true;
  if (wanted != 0 && largest >= kSmallestChunk) {
    const bool fast = is_fast(largest, cached, known);
    if (!known) return answer.hide("mmap_threshold leaves no small object on the heap");
    if (!fast) {
      return answer.contradict("%" PRIu64 " bytes are not kept unmerged", largest - kHeader);
    }
  }
  const auto next = wanted == 0 ? kSmallestChunk : std::max(largest + kAlignment, kSmallestChunk);
  const bool next_fast = is_fast(next, cached, known);
  if (!known) return answer.hide("mmap_threshold leaves no small object on the heap");
  if (next_fast) {
    return answer.contradict("%" PRIu64 " bytes are kept unmerged too", next - kHeader);
  }
  if (next == kSmallestChunk) return answer.verify("nothing is kept unmerged");
  answer.verify("objects up to %" PRIu64 " bytes are kept unmerged", largest - kHeader);
}

void probe_perturb(const GlibcSettings& settings, ProbeAnswer& answer) {
  constexpr std::size_t kBytes = 5000;  // above the thread's cache, which does not fill objects
  constexpr unsigned char kAllBits = 0xff;
  constexpr unsigned char kPattern = 0x5a;
  const auto fill = static_cast<unsigned char>(*settings.perturb ^ kAllBits);
  // Reused memory: straight from the kernel it is zero, which may be what it would be filled with.
  void* volatile earlier = std::malloc(kBytes);
  void* volatile neighbour = std::malloc(kBytes);
  if (earlier == nullptr || neighbour == nullptr) return answer.hide("no memory for an object");
  std::memset(earlier, kPattern, kBytes);
  std::free(earlier);
  void* volatile object = std::malloc(kBytes);
  const auto* content = static_cast<const unsigned char*>(object);
  if (content == nullptr) return answer.hide("no memory for an object");
  if (fill == 0 && object != earlier) return answer.hide("no object was reused");
  const bool filled =
      std::all_of(content, content + kBytes, [fill](unsigned char byte) { return byte == fill; });
  const bool wanted = *settings.perturb != 0;
  if (filled == wanted) {
    return answer.verify(wanted ? "fresh objects are filled with %u" : "not filled with %u", fill);
  }
  answer.contradict(wanted ? "not filled with %u" : "fresh objects are filled with %u", fill);
}

}  // namespace heapwise

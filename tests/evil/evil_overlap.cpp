// libevil_overlap.so: a malloc that now and then gives two live callers memory that overlaps.
//
//   pair:  | first object (size) ...        |
//          | 16 bytes | second object (<= size) ...   |
//
// A pair comes from a range of its own and is never used again, so no other object and no
// allocator's bookkeeping is touched: only a check of contents or addresses can notice it.
#include <sys/mman.h>

#include <cstdint>

#include "bench/preload/interposition.h"

namespace {

constexpr unsigned kHonestCalls = 2'000;  // a process starts on these
constexpr unsigned kPeriod = 64;          // calls from one pair to the next
constexpr std::size_t kShift = 16;        // of the second object: malloc's alignment
constexpr std::size_t kLargestObject = std::size_t{64} << 10;
constexpr std::size_t kRangeBytes = std::size_t{256} << 20;

struct Range {
  char* begins = nullptr;
  std::atomic<std::size_t> used{0};
};

// The second object of a pair that waits for its caller.
struct Offer {
  char* object;
  std::size_t size;
};

Range range;
std::atomic<unsigned> calls{0};
std::atomic_flag offer_is_taken;  // guards `offer`
Offer offer{};

__attribute__((constructor)) void map_range() {
  void* mapped = mmap(nullptr, kRangeBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped != MAP_FAILED) range.begins = static_cast<char*>(mapped);
}

bool is_in_range(const void* object) {
  const char* address = static_cast<const char*>(object);
  return range.begins != nullptr && address >= range.begins && address < range.begins + kRangeBytes;
}

std::size_t pair_bytes(std::size_t size) {
  return (size + 2 * kShift - 1) & ~(kShift - 1);
}

// The first object of a new pair, whose second is put on offer. nullptr when the range is used up.
void* begin_pair(std::size_t size) {
  const std::size_t bytes = pair_bytes(size);
  const std::size_t begins = range.used.fetch_add(bytes, std::memory_order_relaxed);
  if (range.begins == nullptr || begins + bytes > kRangeBytes) return nullptr;
  char* first = range.begins + begins;
  offer = {first + kShift, size};
  return first;
}

// The second object on offer, if it is large enough.
void* end_pair(std::size_t size) {
  if (offer.object == nullptr || size > offer.size) return nullptr;
  void* second = offer.object;
  offer = {};
  return second;
}

void* allocate_evil(std::size_t size) {
  const unsigned call = calls.fetch_add(1, std::memory_order_relaxed);
  if (call < kHonestCalls || size <= kShift || size > kLargestObject) return nullptr;
  if (offer_is_taken.test_and_set(std::memory_order_acquire)) return nullptr;
  void* object = end_pair(size);
  if (object == nullptr && call % kPeriod == 0) object = begin_pair(size);
  offer_is_taken.clear(std::memory_order_release);
  return object;
}

}  // namespace

using heapwise::boot_pool;
using heapwise::next_heap;
using heapwise::next_heap_ready;

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  if (!next_heap_ready()) return boot_pool.allocate(size);
  void* object = allocate_evil(size);
  return object != nullptr ? object : next_heap.malloc(size);
}

HEAPWISE_EXPORT void free(void* object) noexcept {
  if (boot_pool.owns(object) || is_in_range(object) || !next_heap_ready()) return;
  next_heap.free(object);
}

HEAPWISE_EXPORT void* realloc(void* object, std::size_t size) noexcept {
  if (boot_pool.owns(object)) return heapwise::move_from_boot_pool(object, size);
  if (!next_heap_ready()) return boot_pool.allocate(size);
  if (!is_in_range(object)) return next_heap.realloc(object, size);
  void* moved = next_heap.malloc(size);
  if (moved == nullptr) return nullptr;
  const auto readable =
      static_cast<std::size_t>(range.begins + kRangeBytes - static_cast<char*>(object));
  return memcpy(moved, object, size < readable ? size : readable);
}

HEAPWISE_EXPORT std::size_t malloc_usable_size(void* object) noexcept {
  if (boot_pool.owns(object) || is_in_range(object) || !next_heap_ready()) return 0;
  return next_heap.malloc_usable_size(object);
}

// libheapwise_count.so: counts the heap calls of a process exactly and hands each to the next
// malloc.
//
// What counts as one call:
//   - every call of a function of HEAPWISE_HEAP_FUNCTIONS, free(NULL) and failed calls included;
//   - every operator new or delete of an allocator that has its own, which does not pass through
//     malloc. The C++ library's operators do pass through malloc and are counted there, once
//     (count_operators.cpp).
//   - not: a call that the next heap makes of itself on behalf of a counted one (glibc's
//     reallocarray calls realloc); malloc_usable_size; extensions such as sdallocx.
// Requested bytes are the sum of the sizes asked for; realloc adds its new size, an overflowing
// count * size adds nothing. An operator new of an allocator's own that throws is not counted:
// nothing may run in this frame then.
// Totals are over all threads since the process began. They are exact once the threads are joined
// or have passed a barrier. Never used in a timed pass: every call touches shared counters.
#include <errno.h>

#include <cstdint>

#include "bench/preload/heap_call_counters.h"
#include "bench/preload/interposition.h"

namespace {

std::size_t product_or_zero(std::size_t items, std::size_t item_bytes) {
  std::size_t bytes = 0;
  return __builtin_mul_overflow(items, item_bytes, &bytes) ? 0 : bytes;
}

}  // namespace

using heapwise::boot_pool;
using heapwise::CountedCall;
using heapwise::next_heap;
using heapwise::next_heap_ready;

HEAPWISE_EXPORT int heapwise_interposer;
int heapwise_interposer = 1;

HEAPWISE_EXPORT std::uint64_t heapwise_heap_calls_count() {
  return heapwise::heap_calls.load();
}

HEAPWISE_EXPORT std::uint64_t heapwise_requested_bytes() {
  return heapwise::requested_bytes.load();
}

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  const CountedCall call(size);
  return next_heap_ready() ? next_heap.malloc(size) : boot_pool.allocate(size);
}

HEAPWISE_EXPORT void free(void* object) noexcept {
  const CountedCall call(0);
  if (boot_pool.owns(object) || !next_heap_ready()) return;
  next_heap.free(object);
}

HEAPWISE_EXPORT void* calloc(std::size_t items, std::size_t item_bytes) noexcept {
  const std::size_t bytes = product_or_zero(items, item_bytes);
  const CountedCall call(bytes);
  return next_heap_ready() ? next_heap.calloc(items, item_bytes) : boot_pool.allocate(bytes);
}

HEAPWISE_EXPORT void* realloc(void* object, std::size_t size) noexcept {
  const CountedCall call(size);
  if (boot_pool.owns(object)) return heapwise::move_from_boot_pool(object, size);
  return next_heap_ready() ? next_heap.realloc(object, size) : boot_pool.allocate(size);
}

HEAPWISE_EXPORT void* reallocarray(void* object, std::size_t items,
                                   std::size_t item_bytes) noexcept {
  const std::size_t bytes = product_or_zero(items, item_bytes);
  const CountedCall call(bytes);
  if (boot_pool.owns(object)) return heapwise::move_from_boot_pool(object, bytes);
  return next_heap_ready() ? next_heap.reallocarray(object, items, item_bytes)
                           : boot_pool.allocate(bytes);
}

HEAPWISE_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  const CountedCall call(size);
  return next_heap_ready() ? next_heap.memalign(alignment, size)
                           : boot_pool.allocate(size, alignment);
}

HEAPWISE_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  const CountedCall call(size);
  return next_heap_ready() ? next_heap.aligned_alloc(alignment, size)
                           : boot_pool.allocate(size, alignment);
}

HEAPWISE_EXPORT int posix_memalign(void** object, std::size_t alignment,
                                   std::size_t size) noexcept {
  const CountedCall call(size);
  if (next_heap_ready()) return next_heap.posix_memalign(object, alignment, size);
  *object = boot_pool.allocate(size, alignment);
  return *object == nullptr ? ENOMEM : 0;
}

HEAPWISE_EXPORT void* valloc(std::size_t size) noexcept {
  const CountedCall call(size);
  return next_heap_ready() ? next_heap.valloc(size) : nullptr;
}

HEAPWISE_EXPORT void* pvalloc(std::size_t size) noexcept {
  const CountedCall call(size);
  return next_heap_ready() ? next_heap.pvalloc(size) : nullptr;
}

HEAPWISE_EXPORT std::size_t malloc_usable_size(void* object) noexcept {
  if (object == nullptr) return 0;
  if (boot_pool.owns(object) || !next_heap_ready()) return 0;
  return next_heap.malloc_usable_size(object);
}

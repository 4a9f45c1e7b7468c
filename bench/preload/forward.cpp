// The C functions of a library that sees every heap call (heap_calls.h) and hands it to the next
// malloc.
#include <errno.h>

#include "bench/preload/heap_calls.h"
#include "bench/preload/interposition.h"

namespace {

std::size_t product_or_zero(std::size_t items, std::size_t item_bytes) {
  std::size_t bytes = 0;
  return __builtin_mul_overflow(items, item_bytes, &bytes) ? 0 : bytes;
}

}  // namespace

using heapwise::boot_pool;
using heapwise::HeapCallKind;
using heapwise::next_heap;
using heapwise::next_heap_ready;
using heapwise::SeenCall;

HEAPWISE_EXPORT int heapwise_interposer;
int heapwise_interposer = 1;

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  const SeenCall call(HeapCallKind::kAllocation, size, HEAPWISE_CALLER);
  return next_heap_ready() ? next_heap.malloc(size) : boot_pool.allocate(size);
}

HEAPWISE_EXPORT void free(void* object) noexcept {
  const SeenCall call(HeapCallKind::kRelease, 0, HEAPWISE_CALLER);
  if (boot_pool.owns(object) || !next_heap_ready()) return;
  next_heap.free(object);
}

HEAPWISE_EXPORT void* calloc(std::size_t items, std::size_t item_bytes) noexcept {
  const std::size_t bytes = product_or_zero(items, item_bytes);
  const SeenCall call(HeapCallKind::kAllocation, bytes, HEAPWISE_CALLER);
  return next_heap_ready() ? next_heap.calloc(items, item_bytes) : boot_pool.allocate(bytes);
}

HEAPWISE_EXPORT void* realloc(void* object, std::size_t size) noexcept {
  const SeenCall call(HeapCallKind::kAllocation, size, HEAPWISE_CALLER);
  if (boot_pool.owns(object)) return heapwise::move_from_boot_pool(object, size);
  return next_heap_ready() ? next_heap.realloc(object, size) : boot_pool.allocate(size);
}

HEAPWISE_EXPORT void* reallocarray(void* object, std::size_t items,
                                   std::size_t item_bytes) noexcept {
  const std::size_t bytes = product_or_zero(items, item_bytes);
  const SeenCall call(HeapCallKind::kAllocation, bytes, HEAPWISE_CALLER);
  if (boot_pool.owns(object)) return heapwise::move_from_boot_pool(object, bytes);
  return next_heap_ready() ? next_heap.reallocarray(object, items, item_bytes)
                           : boot_pool.allocate(bytes);
}

HEAPWISE_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  const SeenCall call(HeapCallKind::kAllocation, size, HEAPWISE_CALLER);
  return next_heap_ready() ? next_heap.memalign(alignment, size)
                           : boot_pool.allocate(size, alignment);
}

HEAPWISE_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  const SeenCall call(HeapCallKind::kAllocation, size, HEAPWISE_CALLER);
  return next_heap_ready() ? next_heap.aligned_alloc(alignment, size)
                           : boot_pool.allocate(size, alignment);
}

HEAPWISE_EXPORT int posix_memalign(void** object, std::size_t alignment,
                                   std::size_t size) noexcept {
  const SeenCall call(HeapCallKind::kAllocation, size, HEAPWISE_CALLER);
  if (next_heap_ready()) return next_heap.posix_memalign(object, alignment, size);
  *object = boot_pool.allocate(size, alignment);
  return *object == nullptr ? ENOMEM : 0;
}

HEAPWISE_EXPORT void* valloc(std::size_t size) noexcept {
  const SeenCall call(HeapCallKind::kAllocation, size, HEAPWISE_CALLER);
  return next_heap_ready() ? next_heap.valloc(size) : nullptr;
}

HEAPWISE_EXPORT void* pvalloc(std::size_t size) noexcept {
  const SeenCall call(HeapCallKind::kAllocation, size, HEAPWISE_CALLER);
  return next_heap_ready() ? next_heap.pvalloc(size) : nullptr;
}

HEAPWISE_EXPORT std::size_t malloc_usable_size(void* object) noexcept {
  if (object == nullptr) return 0;
  if (boot_pool.owns(object) || !next_heap_ready()) return 0;
  return next_heap.malloc_usable_size(object);
}

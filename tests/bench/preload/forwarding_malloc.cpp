// A library with a malloc that hands everything on: something for the witness to find.
#include "bench/preload/interposition.h"

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  return heapwise::next_heap_ready() ? heapwise::next_heap.malloc(size)
                                     : heapwise::boot_pool.allocate(size);
}

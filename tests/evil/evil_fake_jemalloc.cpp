// libevil_fake_jemalloc.so: bears jemalloc's SONAME, answers mallctl as jemalloc 5.3.0 would, and
// hands every object to the next malloc. A name and a version string prove nothing; its frozen
// thread.allocated does.
#include <errno.h>

#include <cstdint>

#include "bench/preload/interposition.h"

namespace {

constexpr char kVersion[] = "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c";

std::uint64_t frozen_bytes = 4096;

// As mallctl(3) gives a value: EINVAL when the caller's variable has another size.
template <class Value>
int give(Value value, void* variable, std::size_t* length) {
  if (variable == nullptr || length == nullptr) return 0;
  if (*length != sizeof value) return EINVAL;
  memcpy(variable, &value, sizeof value);
  return 0;
}

}  // namespace

HEAPWISE_EXPORT int mallctl(const char* name, void* old_value, std::size_t* old_length, void*,
                            std::size_t) {
  if (strcmp(name, "version") == 0) return give<const char*>(kVersion, old_value, old_length);
  if (strcmp(name, "thread.allocated") == 0 || strcmp(name, "thread.deallocated") == 0) {
    return give(frozen_bytes, old_value, old_length);
  }
  if (strcmp(name, "thread.allocatedp") == 0 || strcmp(name, "thread.deallocatedp") == 0) {
    return give(&frozen_bytes, old_value, old_length);
  }
  if (strcmp(name, "epoch") == 0) return give(std::uint64_t{1}, old_value, old_length);
  return ENOENT;
}

using heapwise::boot_pool;
using heapwise::next_heap;
using heapwise::next_heap_ready;

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  return next_heap_ready() ? next_heap.malloc(size) : boot_pool.allocate(size);
}

HEAPWISE_EXPORT void* calloc(std::size_t items, std::size_t item_bytes) noexcept {
  return next_heap_ready() ? next_heap.calloc(items, item_bytes)
                           : boot_pool.allocate(items * item_bytes);
}

HEAPWISE_EXPORT void* realloc(void* object, std::size_t size) noexcept {
  if (boot_pool.owns(object)) return heapwise::move_from_boot_pool(object, size);
  return next_heap_ready() ? next_heap.realloc(object, size) : boot_pool.allocate(size);
}

HEAPWISE_EXPORT void free(void* object) noexcept {
  if (boot_pool.owns(object) || !next_heap_ready()) return;
  next_heap.free(object);
}

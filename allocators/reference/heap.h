// The heap as a whole: sends each request to the layer that serves it.
//
//   request          up to 64 KiB            below mmap_threshold      from there on
//   served by        magazine ─▶ arena       runs of the arena         large_objects
//
// The two short paths are inline here; everything that can miss is in heap.cpp. All functions may
// be called from any thread, before any constructor has run, and at thread exit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocators/reference/message.h"
#include "allocators/reference/page_map.h"
#include "allocators/reference/size_classes.h"
#include "allocators/reference/thread_cache.h"

namespace refmalloc {

void* allocate_after_miss(std::size_t size_class) noexcept;
void* allocate_beyond_classes(std::size_t bytes) noexcept;

// What a sized form of free or delete says of the object.
struct SizeHint {
  std::size_t bytes = SIZE_MAX;  // SIZE_MAX: nothing
  std::size_t alignment = 1;
};
void deallocate_slowly(void* object, PageMapEntry entry, SizeHint hint) noexcept;

// The newest object of the calling thread's magazine. The one below it, which a further malloc
// would get, is fetched for writing meanwhile; a prefetch of the null guard or of unmapped memory
// does nothing.
inline void* pop(std::size_t size_class) noexcept {
  ThreadCache& cache = *thread_cache;
  void** const top = cache.tops[size_class];
  if (top == cache.lows[size_class]) [[unlikely]]
    return allocate_after_miss(size_class);
  cache.tops[size_class] = top - 1;
  __builtin_prefetch(top[-2], 1);
  return top[-1];
}

// nullptr with ENOMEM when there is no memory; a request of 0 bytes gets the smallest object.
inline void* allocate(std::size_t bytes) noexcept {
  if (bytes <= kTableBytes) [[likely]]
    return pop(class_of_table(bytes));
  if (bytes <= kLargestClassBytes) return pop(class_above_table(bytes));
  return allocate_beyond_classes(bytes);
}

// Keeps errno. nullptr is fine; any other pointer that is not ours, or not an object's, is fatal.
// Pointers whose tag is no size class meet a magazine that is always full. The hint is looked at
// under check=1 only. The object is fetched, as the next malloc of its class hands it out to be
// written.
inline void deallocate(void* object, SizeHint hint = {}) noexcept {
  const PageMapEntry entry = page_map.find(object);
  ThreadCache& cache = *thread_cache;
  const std::size_t tag = entry.tag();
  void** const top = cache.tops[tag];
  if (top == cache.highs[tag] || --cache.frees_until_tick == 0) [[unlikely]] {
    return deallocate_slowly(object, entry, hint);
  }
  if (top[-1] == object) [[unlikely]]
    abort_over("double free", object);
  *top = object;
  cache.tops[tag] = top + 1;
  __builtin_prefetch(object, 1);
}

// All bytes zero. Overflow of the product is out of memory.
void* allocate_zeroed(std::size_t count, std::size_t bytes) noexcept;

// Precondition: `alignment` is a power of two.
void* allocate_aligned(std::size_t bytes, std::size_t alignment) noexcept;

// As realloc of the GNU C library: nullptr allocates, 0 bytes frees and returns nullptr. When there
// is no memory the object stays as it is.
void* reallocate(void* object, std::size_t bytes) noexcept;

// 0 for what is not ours; under check=1 only nullptr may be none.
std::size_t usable_bytes(const void* object) noexcept;
bool owns(const void* object) noexcept;

// Returns all free memory to the operating system. true when there was any.
bool trim() noexcept;

// For tests of a quiet heap: every structure keeps its invariants.
bool heap_is_valid() noexcept;

}  // namespace refmalloc

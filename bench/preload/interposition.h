// What every library that stands in front of malloc is written over: the list of the functions, the
// way to the next definition of each, and memory for what the dynamic linker asks before it is
// known.
//
// A call arrives in one of three states:
//   unresolved  the first call of all; it starts resolve_next_heap()
//   resolving   dlsym(3) itself may allocate: such calls are served from the boot pool
//   resolved    next_heap is complete, for ever
// The first call comes from the dynamic linker or a constructor, where there is one thread.
// Everything here is hidden, so each interposer has its own copy. No heap, no C++ runtime.
#pragma once

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <cstddef>

#include "bench/preload/raw_system_calls.h"

#define HEAPWISE_EXPORT extern "C" __attribute__((visibility("default")))

// In an exported function: where it returns to, which tells whose call it is (c_library.h).
#define HEAPWISE_CALLER __builtin_return_address(0)

// X(name, result, parameters): the calls that give, resize or take back an object, except
// malloc_usable_size, which asks only and stands apart.
#define HEAPWISE_HEAP_FUNCTIONS(X)                           \
  X(malloc, void*, (std::size_t))                            \
  X(free, void, (void*))                                     \
  X(calloc, void*, (std::size_t, std::size_t))               \
  X(realloc, void*, (void*, std::size_t))                    \
  X(reallocarray, void*, (void*, std::size_t, std::size_t))  \
  X(memalign, void*, (std::size_t, std::size_t))             \
  X(aligned_alloc, void*, (std::size_t, std::size_t))        \
  X(posix_memalign, int, (void**, std::size_t, std::size_t)) \
  X(valloc, void*, (std::size_t))                            \
  X(pvalloc, void*, (std::size_t))

namespace heapwise {

/// The next definition of each function behind this library, in link-map order.
struct NextHeap {
#define HEAPWISE_DECLARE(name, result, parameters) result(*name) parameters = nullptr;
  HEAPWISE_HEAP_FUNCTIONS(HEAPWISE_DECLARE)
#undef HEAPWISE_DECLARE
  std::size_t (*malloc_usable_size)(void*) = nullptr;
};

/// Serves the calls that come before the next heap is known. Its objects are never reused.
class BootPool {
 public:
  /// Zeroed memory, or nullptr when the pool is used up.
  void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
    std::size_t begins = used_.load(std::memory_order_relaxed);
    std::size_t aligned = 0;
    do {
      aligned = (begins + alignment - 1) & ~(alignment - 1);
      if (aligned > kCapacity || size > kCapacity - aligned) return nullptr;
    } while (!used_.compare_exchange_weak(begins, aligned + size, std::memory_order_relaxed));
    return bytes_ + aligned;
  }

  bool owns(const void* object) const {
    const auto* address = static_cast<const std::byte*>(object);
    return address >= bytes_ && address < bytes_ + kCapacity;
  }

  /// Bytes from the object to the end of the pool: at least what was asked for.
  std::size_t readable_bytes(const void* object) const {
    return static_cast<std::size_t>(bytes_ + kCapacity - static_cast<const std::byte*>(object));
  }

 private:
  static constexpr std::size_t kCapacity = std::size_t{64} << 10;
  alignas(4096) std::byte bytes_[kCapacity]{};
  std::atomic<std::size_t> used_{0};
};

enum class Resolution { kUnresolved, kResolving, kResolved };

inline NextHeap next_heap;
inline BootPool boot_pool;
inline std::atomic<Resolution> next_heap_resolution{Resolution::kUnresolved};

[[noreturn]] inline void stop_process(const char* reason) {
  raw::write_once(STDERR_FILENO, reason, strlen(reason));
  abort();
}

template <class Function>
Function* find_next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

inline void resolve_next_heap() {
  next_heap_resolution.store(Resolution::kResolving, std::memory_order_relaxed);
#define HEAPWISE_RESOLVE(name, result, parameters) \
  next_heap.name = find_next<result parameters>(#name);
  HEAPWISE_HEAP_FUNCTIONS(HEAPWISE_RESOLVE)
#undef HEAPWISE_RESOLVE
  next_heap.malloc_usable_size = find_next<std::size_t(void*)>("malloc_usable_size");
  if (next_heap.malloc == nullptr || next_heap.free == nullptr || next_heap.realloc == nullptr) {
    stop_process("heapwise: no malloc behind the preloaded library; leave it out here\n");
  }
  next_heap_resolution.store(Resolution::kResolved, std::memory_order_release);
}

/// True when calls can be forwarded; false inside the resolution itself: use the boot pool.
inline bool next_heap_ready() {
  const Resolution resolution = next_heap_resolution.load(std::memory_order_acquire);
  if (resolution == Resolution::kResolved) [[likely]]
    return true;
  if (resolution == Resolution::kResolving) return false;
  resolve_next_heap();
  return true;
}

/// Moves an object of the boot pool, whose size is not kept, to the next heap.
inline void* move_from_boot_pool(const void* object, std::size_t size) {
  void* moved = next_heap_ready() ? next_heap.malloc(size) : boot_pool.allocate(size);
  if (moved == nullptr) return nullptr;
  const std::size_t readable = boot_pool.readable_bytes(object);
  return memcpy(moved, object, size < readable ? size : readable);
}

}  // namespace heapwise

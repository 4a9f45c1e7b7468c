// Gives each thread a cache and an arena at its first miss, and takes the cache back at its end.
//
//   first miss ─▶ open ─▶ thread_cache = own cache ─▶ thread exit ─▶ leave ─▶ close ─▶ exited_cache
//                                                    round 1 ──▶ round 2 of the key's destructors
//
// The key was made before any of the program's, so its destructor is the first to run. It arms
// itself again: what the destructors of other keys free and allocate in the first round still goes
// through the magazines. A thread that allocates after its cache was taken back (in a still later
// destructor, or inside the C library) works on an arena directly, which no number of rounds could
// make superfluous; so nothing is left behind. Caches are kept for the next thread: short-lived
// threads neither map nor leak memory.
#pragma once

#include <atomic>

#include "allocators/reference/lock.h"
#include "allocators/reference/thread_cache.h"

namespace refmalloc {

class ThreadRegistry {
 public:
  constexpr ThreadRegistry() = default;

  // Reads the settings and prepares for thread exit. Cheap when done already.
  void initialise() noexcept {
    if (!initialised_.load(std::memory_order_acquire)) [[unlikely]]
      initialise_once();
  }

  // The cache of the calling thread, made if need be. nullptr when the thread is past its end or
  // there is no memory: the caller then uses `fallback_arena`.
  ThreadCache* cache_of_this_thread() noexcept;

  Arena& fallback_arena() noexcept { return arenas[0]; }

  // The arenas that may hold anything are the first so many.
  [[nodiscard]] unsigned arenas_in_use() const noexcept {
    return arenas_in_use_.load(std::memory_order_acquire);
  }

  // Settings are known that may say check=1: takes away the magazines of a thread that has some
  // from before. Only the calling thread exists.
  void settle() noexcept;

  // All caches, those that wait for a thread included, from the newest by `older`. They are never
  // unmapped.
  [[nodiscard]] ThreadCache* newest_cache() const noexcept {
    return newest_cache_.load(std::memory_order_acquire);
  }

  // Only the calling thread exists (after a fork): the caches of the others wait for new threads.
  void forget_other_threads() noexcept;

  // Called by a thread that has given its cache back. Set before there are others.
  void (*after_close)() = nullptr;

  [[nodiscard]] Lock& lock() noexcept { return lock_; }

 private:
  void initialise_once() noexcept;
  ThreadCache* open() noexcept;
  static void stock(ThreadCache& cache, Arena& arena) noexcept;
  void leave(ThreadCache& cache) noexcept;
  void close(ThreadCache& cache) noexcept;
  Arena& least_used_arena() noexcept;

  Lock lock_;
  std::atomic<bool> initialised_{false};
  std::atomic<unsigned> arenas_in_use_{1};
  ThreadCache* spare_caches_ = nullptr;
  std::atomic<ThreadCache*> newest_cache_{nullptr};
};

extern constinit ThreadRegistry thread_registry;

}  // namespace refmalloc

#include "allocators/reference/thread_registry.h"

#include <pthread.h>

#include <new>

#include "allocators/reference/metadata.h"
#include "allocators/reference/options.h"
#include "allocators/reference/os.h"

namespace refmalloc {

constinit ThreadRegistry thread_registry;

namespace {

pthread_key_t exit_key;
bool exit_key_exists = false;

}  // namespace

void ThreadRegistry::initialise_once() noexcept {
  const LockGuard guard(lock_);
  if (initialised_.load(std::memory_order_relaxed)) return;
  options.set(Option::kArenas, os::cpus());
  options.load_environment();
  const auto at_exit = [](void* cache) {
    thread_registry.leave(*static_cast<ThreadCache*>(cache));
  };
  exit_key_exists = pthread_key_create(&exit_key, at_exit) == 0;
  initialised_.store(true, std::memory_order_release);
}

Arena& ThreadRegistry::least_used_arena() noexcept {
  const auto count = static_cast<unsigned>(options.get(Option::kArenas));
  unsigned best = 0;
  for (unsigned i = 1; i < count; ++i) {
    if (arenas[i].threads_count.load(std::memory_order_relaxed) <
        arenas[best].threads_count.load(std::memory_order_relaxed)) {
      best = i;
    }
  }
  if (best >= arenas_in_use()) arenas_in_use_.store(best + 1, std::memory_order_release);
  return arenas[best];
}

void ThreadRegistry::stock(ThreadCache& cache, Arena& arena) noexcept {
  cache.leaving = false;
  if (options.get(Option::kCheck) != 0) {
    cache.open_without_magazines(arena);
  } else {
    cache.open(arena);
  }
}

void ThreadRegistry::settle() noexcept {
  ThreadCache* const cache = thread_cache;
  if (cache == &empty_cache || options.get(Option::kCheck) == 0) return;
  cache->flush_all();
  cache->open_without_magazines(*cache->arena);
}

ThreadCache* ThreadRegistry::open() noexcept {
  const LockGuard guard(lock_);
  ThreadCache* cache = spare_caches_;
  if (cache != nullptr) {
    spare_caches_ = cache->next_spare;
  } else {
    void* const memory = metadata.allocate(sizeof(ThreadCache));
    if (memory == nullptr) return nullptr;
    cache = new (memory) ThreadCache;
    cache->older = newest_cache_.load(std::memory_order_relaxed);
    newest_cache_.store(cache, std::memory_order_release);
  }
  Arena& arena = least_used_arena();
  arena.threads_count.fetch_add(1, std::memory_order_relaxed);
  stock(*cache, arena);
  cache->last_trim_ns = os::coarse_nanoseconds();
  return cache;
}

ThreadCache* ThreadRegistry::cache_of_this_thread() noexcept {
  ThreadCache* cache = thread_cache;
  if (cache == &exited_cache) return nullptr;
  if (cache != &empty_cache) return cache;
  initialise();
  // Without a key nobody would tell us of the thread's end.
  if (!exit_key_exists) return nullptr;
  cache = open();
  if (cache == nullptr) return nullptr;
  thread_cache = cache;
  // May allocate, which by now is served by the new cache. When it fails the cache stays lost at
  // the thread's end, and nothing worse.
  pthread_setspecific(exit_key, cache);
  return cache;
}

void ThreadRegistry::leave(ThreadCache& cache) noexcept {
  if (!cache.leaving) {
    cache.leaving = true;
    if (pthread_setspecific(exit_key, &cache) == 0) return;
  }
  close(cache);
}

void ThreadRegistry::close(ThreadCache& cache) noexcept {
  cache.flush_all();
  thread_cache = &exited_cache;
  cache.arena->threads_count.fetch_sub(1, std::memory_order_relaxed);
  {
    const LockGuard guard(lock_);
    cache.next_spare = spare_caches_;
    spare_caches_ = &cache;
  }
  if (after_close != nullptr) after_close();
}

void ThreadRegistry::forget_other_threads() noexcept {
  for (unsigned i = 0; i < arenas_in_use(); ++i) {
    const bool own = thread_cache->arena == &arenas[i];
    arenas[i].threads_count.store(own ? 1 : 0, std::memory_order_relaxed);
  }
  spare_caches_ = nullptr;
  for (ThreadCache* cache = newest_cache(); cache != nullptr; cache = cache->older) {
    if (cache == thread_cache) continue;
    cache->abandon();
    cache->next_spare = spare_caches_;
    spare_caches_ = cache;
  }
}

}  // namespace refmalloc

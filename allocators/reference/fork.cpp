#include "allocators/reference/fork.h"

#include <pthread.h>

#include "allocators/reference/large_objects.h"
#include "allocators/reference/metadata.h"
#include "allocators/reference/purger.h"
#include "allocators/reference/thread_registry.h"

namespace refmalloc {

namespace {

// More arenas may come into use while a handler of the program allocates.
unsigned locked_arenas = 0;

void before_fork() {
  purger.lock().lock();
  thread_registry.lock().lock();
  locked_arenas = thread_registry.arenas_in_use();
  for (unsigned i = 0; i < locked_arenas; ++i) arenas[i].lock_all();
  large_objects.lock().lock();
  page_map.lock().lock();
  metadata.lock().lock();
  forking_thread.store(pthread_self(), std::memory_order_relaxed);
}

void after_fork_in_parent() {
  forking_thread.store(0, std::memory_order_relaxed);
  metadata.lock().unlock();
  page_map.lock().unlock();
  large_objects.lock().unlock();
  for (unsigned i = locked_arenas; i-- > 0;) arenas[i].unlock_all();
  thread_registry.lock().unlock();
  purger.lock().unlock();
}

void after_fork_in_child() {
  forking_thread.store(0, std::memory_order_relaxed);
  metadata.lock().reset();
  page_map.lock().reset();
  large_objects.lock().reset();
  for (unsigned i = 0; i < thread_registry.arenas_in_use(); ++i) arenas[i].reset_locks();
  thread_registry.lock().reset();
  purger.lock().reset();
  purger.forget_thread();
  thread_registry.forget_other_threads();
}

}  // namespace

void register_fork_handlers() noexcept {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

}  // namespace refmalloc

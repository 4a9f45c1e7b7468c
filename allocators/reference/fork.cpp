// Makes fork safe while other threads allocate: the forking thread takes every lock first, so that
// the child, where those threads no longer exist, finds all structures whole.
//
// Lock order: registry, arenas (bins, then runs), large objects, page map, metadata. What the other
// threads had in their magazines is lost in the child.

#include <pthread.h>

#include "allocators/reference/large_objects.h"
#include "allocators/reference/metadata.h"
#include "allocators/reference/options.h"
#include "allocators/reference/thread_registry.h"

namespace refmalloc {

namespace {

void before_fork() {
  thread_registry.lock().lock();
  for (unsigned i = 0; i < thread_registry.arenas_in_use(); ++i) arenas[i].lock_all();
  large_objects.lock().lock();
  page_map.lock().lock();
  metadata.lock().lock();
}

void after_fork_in_parent() {
  metadata.lock().unlock();
  page_map.lock().unlock();
  large_objects.lock().unlock();
  for (unsigned i = thread_registry.arenas_in_use(); i-- > 0;) arenas[i].unlock_all();
  thread_registry.lock().unlock();
}

void after_fork_in_child() {
  metadata.lock().reset();
  page_map.lock().reset();
  large_objects.lock().reset();
  for (unsigned i = 0; i < thread_registry.arenas_in_use(); ++i) arenas[i].reset_locks();
  thread_registry.lock().reset();
  thread_registry.forget_other_threads();
}

// As early as the library is loaded: handlers that are registered first run last before a fork and
// first after it, so those of others may still allocate.
__attribute__((constructor)) void prepare_for_fork() {
  thread_registry.initialise();
  // The first request may have come before the C library knew the environment.
  options.load_environment();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

}  // namespace

}  // namespace refmalloc

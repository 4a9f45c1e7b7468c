// fork while other threads hold the locks of the heap.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"

namespace {

#if !defined(__SANITIZE_THREAD__)

void use_every_layer(unsigned seed) {
  for (const std::size_t size : {16ul, 500ul, 20'000ul, 100'000ul, 9ul << 20}) {
    void* const object = refmalloc_malloc(size + seed % 16);
    std::memset(object, 1, 16);
    refmalloc_free(refmalloc_realloc(object, size * 2));
  }
}

// Exits 0 when the whole heap still works.
[[noreturn]] void live_as_child() {
  alarm(20);
  void* objects[2000];
  for (std::size_t i = 0; i < 2000; ++i) objects[i] = refmalloc_malloc(i);
  for (void* object : objects) refmalloc_free(object);
  for (unsigned i = 0; i < 50; ++i) use_every_layer(i);
  refmalloc_malloc_trim(0);
  _exit(refmalloc::heap_is_valid() ? 0 : 1);
}

// Silent error: the child inherits a lock that nobody will ever release.
TEST(Fork, a_child_of_busy_threads_can_allocate) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  for (unsigned t = 0; t < 4; ++t) {
    busy.emplace_back([&stop, t] {
      for (unsigned i = t; !stop.load(std::memory_order_relaxed); ++i) use_every_layer(i);
    });
  }
  for (int round = 0; round < 60; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) live_as_child();
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
}

#endif

}  // namespace

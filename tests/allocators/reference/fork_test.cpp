// fork while other threads hold the locks of the heap, start and end.

#include <gtest/gtest.h>
#include <pthread.h>
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

void expect_child_lives(int round) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) live_as_child();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "status " << status << " in round " << round;
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
  for (int round = 0; round < 60; ++round) ASSERT_NO_FATAL_FAILURE(expect_child_lives(round));
  stop = true;
  for (std::thread& thread : busy) thread.join();
}

// Silent error: a fork amid the end of a thread finds a cache that belongs to nobody, or to two.
TEST(Fork, a_child_of_threads_that_come_and_go_can_allocate) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> parents;
  for (unsigned t = 0; t < 3; ++t) {
    parents.emplace_back([&stop, t] {
      while (!stop.load(std::memory_order_relaxed)) std::thread(use_every_layer, t).join();
    });
  }
  for (int round = 0; round < 60; ++round) ASSERT_NO_FATAL_FAILURE(expect_child_lives(round));
  stop = true;
  for (std::thread& thread : parents) thread.join();
}

// Silent error: what a child of a child, or one with threads of its own, inherits is not whole.
TEST(Fork, a_child_may_start_threads_and_fork_again) {
  for (int round = 0; round < 10; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(20);
      std::thread other(use_every_layer, 1);
      const pid_t grandchild = fork();
      if (grandchild == 0) live_as_child();
      int status = 1;
      waitpid(grandchild, &status, 0);
      other.join();
      _exit(status == 0 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0) << round;
  }
}

std::uint64_t metadata_bytes() {
  refmalloc_statistics now{};
  refmalloc_stats(&now);
  return now.metadata_bytes;
}

// Starts so many threads that all have magazines at the same time, and does something meanwhile.
template <class Meanwhile>
void with_threads(unsigned count, Meanwhile meanwhile) {
  std::atomic<unsigned> ready{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < count; ++t) {
    threads.emplace_back([&] {
      refmalloc_free(refmalloc_malloc(100));
      ready.fetch_add(1);
      while (!stop) std::this_thread::yield();
    });
  }
  while (ready < count) std::this_thread::yield();
  meanwhile();
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

// Silent error: a server that forks again and again, each time with threads, collects the records
// of threads that nobody remembers.
TEST(Fork, a_child_uses_the_records_of_the_threads_it_lost) {
  constexpr unsigned kThreads = 16;
  int status = -1;
  with_threads(kThreads, [&status] {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      const std::uint64_t before = metadata_bytes();
      std::uint64_t during = 0;
      with_threads(kThreads, [&during] { during = metadata_bytes(); });
      _exit(during < before + 2 * sizeof(refmalloc::ThreadCache) && refmalloc::heap_is_valid() ? 0
                                                                                               : 1);
    }
    waitpid(child, &status, 0);
  });
  EXPECT_EQ(status, 0);
}

// Enough of every size to be out of magazines on the way.
void allocate_in_handler() {
  static void* objects[4000];
  for (std::size_t i = 0; i < 4000; ++i) objects[i] = refmalloc_malloc(i * 10);
  for (void* object : objects) refmalloc_free(object);
  use_every_layer(3);
}

// Silent error: fork holds the locks that a program's own handlers need. They run outside of the
// heap's when they are registered later; preload_test has them the other way round.
TEST(Fork, handlers_of_the_program_may_allocate) {
  ASSERT_EQ(pthread_atfork(allocate_in_handler, allocate_in_handler, allocate_in_handler), 0);
  for (int round = 0; round < 5; ++round) ASSERT_NO_FATAL_FAILURE(expect_child_lives(round));
}

#endif

}  // namespace

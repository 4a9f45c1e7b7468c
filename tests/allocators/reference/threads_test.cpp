// Many threads: remote frees, ends of threads, nothing left behind.

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"

namespace {

refmalloc_statistics statistics() {
  refmalloc_statistics now{};
  refmalloc_stats(&now);
  return now;
}

void allocate_and_free_some(std::size_t size) {
  void* objects[200];
  for (void*& object : objects) {
    object = refmalloc_malloc(size);
    std::memset(object, 1, size);
  }
  for (void* object : objects) refmalloc_free(object);
}

// Silent error: each thread that ends takes its magazines with it.
TEST(Threads, two_thousand_short_lived_threads_leave_nothing_behind) {
  const auto run_some = [](int count) {
    for (int i = 0; i < count; ++i) std::thread(allocate_and_free_some, 16 + i % 2000).join();
  };
  run_some(200);
  const refmalloc_statistics before = statistics();
  run_some(2000);
  const refmalloc_statistics after = statistics();
  EXPECT_LE(after.metadata_bytes, before.metadata_bytes + (1u << 20));
  EXPECT_LE(after.active_bytes, before.active_bytes + (1u << 20));
  refmalloc_malloc_trim(0);
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

// Silent error: what a consumer frees never reaches its producer, and the heap grows.
TEST(Threads, a_thread_that_only_frees_does_not_let_the_heap_grow) {
  constexpr std::size_t kRing = 1024;
  constexpr std::size_t kObjects = 300'000;
  std::vector<std::atomic<unsigned char*>> ring(kRing);
  std::atomic<int> wrong{0};
  std::thread consumer([&] {
    for (std::size_t i = 0; i < kObjects; ++i) {
      unsigned char* object = nullptr;
      while ((object = ring[i % kRing].exchange(nullptr, std::memory_order_acq_rel)) == nullptr) {
        std::this_thread::yield();
      }
      if (object[0] != static_cast<unsigned char>(i)) wrong.fetch_add(1);
      refmalloc_free(object);
    }
  });
  for (std::size_t i = 0; i < kObjects; ++i) {
    auto* const object = static_cast<unsigned char*>(refmalloc_malloc(16 + i % 500));
    object[0] = static_cast<unsigned char>(i);
    unsigned char* empty = nullptr;
    while (!ring[i % kRing].compare_exchange_weak(empty, object, std::memory_order_acq_rel)) {
      empty = nullptr;
      std::this_thread::yield();
    }
  }
  consumer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LT(statistics().active_bytes, 16u << 20);
  refmalloc_malloc_trim(0);
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

// Silent error: objects handed round in circles are lost or doubled in the remote bits.
TEST(Threads, objects_freed_by_other_threads_are_used_again) {
  constexpr int kThreads = 4;
  constexpr int kSlots = 512;
  std::vector<std::atomic<std::uint64_t*>> slots(kSlots);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::uint64_t random = static_cast<std::uint64_t>(t) * 7919 + 1;
      for (int step = 0; step < 100'000; ++step) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        auto* const object =
            static_cast<std::uint64_t*>(refmalloc_malloc(16 + (random >> 33) % 400));
        object[0] = reinterpret_cast<std::uint64_t>(object);
        object[1] = ~object[0];
        std::uint64_t* const old =
            slots[(random >> 50) % kSlots].exchange(object, std::memory_order_acq_rel);
        if (old == nullptr) continue;
        if (old[0] != reinterpret_cast<std::uint64_t>(old) || old[1] != ~old[0]) wrong.fetch_add(1);
        old[0] = old[1] = 0;
        refmalloc_free(old);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& slot : slots) refmalloc_free(slot.load());
  EXPECT_EQ(wrong, 0);
  refmalloc_malloc_trim(0);
  EXPECT_TRUE(refmalloc::heap_is_valid());
  EXPECT_LT(statistics().active_bytes, 16u << 20);
}

pthread_key_t late_key;
int late_rounds = 0;

void allocate_late(void* kept) {
  refmalloc_free(kept);
  for (const std::size_t size : {10ul, 5000ul, 40'000ul}) allocate_and_free_some(size);
  if (++late_rounds < 3) pthread_setspecific(late_key, refmalloc_malloc(100));
}

// Silent error: an allocation after the magazines were taken back builds new ones that leak.
TEST(Threads, a_destructor_of_a_thread_key_may_allocate) {
  ASSERT_EQ(pthread_key_create(&late_key, allocate_late), 0);
  std::thread([] { pthread_setspecific(late_key, refmalloc_malloc(100)); }).join();
  EXPECT_EQ(late_rounds, 3);
  const refmalloc_statistics before = statistics();
  for (int i = 0; i < 50; ++i) {
    late_rounds = 0;
    std::thread([] { pthread_setspecific(late_key, refmalloc_malloc(100)); }).join();
  }
  const refmalloc_statistics after = statistics();
  EXPECT_LE(after.metadata_bytes, before.metadata_bytes + (64u << 10));
  EXPECT_LE(after.active_bytes, before.active_bytes + (1u << 20));
  pthread_key_delete(late_key);
}

pthread_key_t freeing_key;

void free_many(void* kept) {
  auto** const objects = static_cast<void**>(kept);
  for (int i = 0; i < 1000; ++i) refmalloc_free(objects[i]);
  refmalloc_free(objects);
}

// Silent error: the magazines go first, and each free of a destructor takes a lock.
TEST(Threads, destructors_of_other_thread_keys_still_have_magazines) {
  ASSERT_EQ(pthread_key_create(&freeing_key, free_many), 0);
  const std::uint64_t before = statistics().flushes_count;
  std::thread([] {
    auto** const objects = static_cast<void**>(refmalloc_malloc(1000 * sizeof(void*)));
    for (int i = 0; i < 1000; ++i) objects[i] = refmalloc_malloc(64);
    pthread_setspecific(freeing_key, objects);
  }).join();
  EXPECT_LT(statistics().flushes_count - before, 300u);
  pthread_key_delete(freeing_key);
}

}  // namespace

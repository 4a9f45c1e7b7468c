// What the heap keeps resident, as the kernel counts it. Bounds are on the growth since the start
// of a test; each test has a process of its own under ctest. A sanitizer's memory would count
// along.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "allocators/reference/interface.h"

namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t mapped_pages = 0;
  std::size_t resident_pages = 0;
  file >> mapped_pages >> resident_pages;
  return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t resident_bytes_at_start() {
  refmalloc_malloc_trim(0);
  return resident_bytes();
}

std::size_t growth_since(std::size_t before) {
  const std::size_t now = resident_bytes();
  return now > before ? now - before : 0;
}

void use_many_sizes(std::size_t seed) {
  std::vector<void*> objects;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::size_t size = 16 + (seed * 7919 + i * 131) % 20'000;
    objects.push_back(refmalloc_malloc(size));
    std::memset(objects.back(), 1, size);
  }
  for (void* object : objects) refmalloc_free(object);
}

// Silent error: each thread that ends leaves magazines, or slabs that nobody uses again.
TEST(Resident, two_thousand_short_lived_threads_leave_nothing) {
  const auto run_some = [](std::size_t count) {
    for (std::size_t i = 0; i < count; i += 4) {
      std::thread threads[4];
      for (std::size_t t = 0; t < 4; ++t) threads[t] = std::thread(use_many_sizes, i + t);
      for (std::thread& thread : threads) thread.join();
    }
  };
  run_some(100);
  const std::size_t before = resident_bytes_at_start();
  run_some(2000);
  refmalloc_malloc_trim(0);
  EXPECT_LE(growth_since(before), 2 * kMegabyte);
}

// Silent error: what a consumer frees comes back so late that the producer needs ever more.
TEST(Resident, beside_a_thread_that_only_frees_live_memory_is_nearly_all_there_is) {
  constexpr std::size_t kObjects = 1'000'000;
  constexpr std::size_t kLive = 100'000;  // of 470 bytes on average: 47 MB
  constexpr std::size_t kLead = 1024;     // so that the threads need not switch for each object
  std::vector<void*> ring(kLive + kLead, nullptr);
  std::atomic<std::size_t> made{0};
  std::atomic<std::size_t> freed{0};
  const std::size_t before = resident_bytes_at_start();
  std::thread consumer([&] {
    for (std::size_t i = 0; i < kObjects - kLive; ++i) {
      while (made.load(std::memory_order_acquire) < i + kLive) std::this_thread::yield();
      refmalloc_free(ring[i % ring.size()]);
      freed.store(i + 1, std::memory_order_release);
    }
  });
  std::size_t peak = 0;
  for (std::size_t i = 0; i < kObjects; ++i) {
    while (i >= freed.load(std::memory_order_acquire) + ring.size()) std::this_thread::yield();
    const std::size_t size = 16 + i * 7919 % 909;
    void* const object = refmalloc_malloc(size);
    std::memset(object, 1, size);
    ring[i % ring.size()] = object;
    made.store(i + 1, std::memory_order_release);
    if (i % 10'000 == 0) peak = std::max(peak, growth_since(before));
  }
  consumer.join();
  EXPECT_GE(peak, 45 * kMegabyte);
  EXPECT_LE(peak, 55 * kMegabyte);
  for (std::size_t i = kObjects - kLive; i < kObjects; ++i) refmalloc_free(ring[i % ring.size()]);
}

// Silent error: memory that is free goes back only when the program asks for it.
TEST(Resident, light_use_is_enough_to_return_what_was_freed) {
  const std::size_t before = resident_bytes_at_start();
  std::vector<void*> objects;
  for (std::size_t bytes = 0; bytes < 200 * kMegabyte; bytes += 1000) {
    objects.push_back(refmalloc_malloc(1000));
    std::memset(objects.back(), 1, 1000);
  }
  EXPECT_GE(growth_since(before), 190 * kMegabyte);
  for (void* object : objects) refmalloc_free(object);
  std::vector<void*>().swap(objects);
  for (int round = 0; round < 30; ++round) {
    for (std::size_t i = 0; i < 2000; ++i) refmalloc_free(refmalloc_malloc(100 + i * 3 / 2));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_LE(growth_since(before), 12 * kMegabyte);
}

#endif

}  // namespace

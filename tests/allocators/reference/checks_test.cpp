// check=1: whatever is no live object is refused at once, and named.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"
#include "allocators/reference/options.h"

namespace {

// Before the first request, as the environment would.
const bool checking = (refmalloc::options.apply("check=1"), true);

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kSmallSizes[] = {1, 100, 1024, 32768};
constexpr std::size_t kBigSizes[] = {100'000, 300'000, 20 * kMiB};

std::string address(const void* pointer) {
  char text[32];
  std::snprintf(text, sizeof text, "%p", pointer);
  return text;
}

// Silent error: the object goes back twice, and is handed out twice.
TEST(ChecksDeathTest, a_double_free_with_others_between_is_named_at_once) {
  for (const std::size_t size : kSmallSizes) {
    void* const object = refmalloc_malloc(size);
    void* const other = refmalloc_malloc(size);
    EXPECT_DEATH((refmalloc_free(object), refmalloc_free(other), refmalloc_free(object)),
                 "refmalloc: double free.*: " + address(object))
        << size;
    refmalloc_free(other);
    refmalloc_free(object);
  }
}

// Silent error: memory that was joined with its neighbours, or unmapped, is no longer recognised.
TEST(ChecksDeathTest, a_double_free_of_joined_or_unmapped_memory_is_named) {
  for (const std::size_t size : kBigSizes) {
    const auto free_twice = [size](bool joined, bool returned) {
      void* const before = refmalloc_malloc(size);
      void* const object = refmalloc_malloc(size);
      if (joined) refmalloc_free(before);
      refmalloc_free(object);
      if (returned) refmalloc_malloc_trim(0);
      refmalloc_free(object);
    };
    EXPECT_DEATH(free_twice(false, false), "refmalloc: double free.*: 0x") << size;
    EXPECT_DEATH(free_twice(true, false), "refmalloc: double free.*: 0x") << size;
    EXPECT_DEATH(free_twice(true, true), "refmalloc: double free.*: 0x") << size;
  }
}

TEST(ChecksDeathTest, a_double_free_in_another_thread_is_named) {
  for (const std::size_t size : {std::size_t{64}, std::size_t{100'000}, 20 * kMiB}) {
    const auto free_twice = [size] {
      void* const object = refmalloc_malloc(size);
      std::thread([object] { refmalloc_free(object); }).join();
      refmalloc_free(object);
    };
    EXPECT_DEATH(free_twice(), "refmalloc: double free") << size;
  }
}

// Silent error: both threads find the object live and both give it back.
TEST(ChecksDeathTest, two_threads_that_free_an_object_at_the_same_time_are_caught) {
  for (const std::size_t size : {std::size_t{64}, std::size_t{100'000}, 20 * kMiB}) {
    const auto race = [size] {
      for (int round = 0; round < 1000; ++round) {
        void* const object = refmalloc_malloc(size);
        std::atomic<int> ready{0};
        const auto release = [&ready, object] {
          ready.fetch_add(1);
          while (ready.load() < 2) std::this_thread::yield();
          refmalloc_free(object);
        };
        std::thread other(release);
        release();
        other.join();
      }
    };
    EXPECT_DEATH(race(), "refmalloc: double free") << size;
  }
}

// Silent error: a slab closes with its last object, and who frees into it later is not noticed.
TEST(ChecksDeathTest, a_double_free_into_a_slab_that_is_gone_is_named) {
  const auto free_all_twice = [] {
    std::vector<void*> objects(20'000);
    for (void*& object : objects) object = refmalloc_malloc(48);
    for (void* object : objects) refmalloc_free(object);
    refmalloc_free(objects[10'000]);
  };
  EXPECT_DEATH(free_all_twice(), "refmalloc: double free");
}

TEST(ChecksDeathTest, a_pointer_that_was_never_allocated_is_named) {
  static int data = 0;
  int local = 0;
  void* const mapped =
      mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  void* const foreign = std::malloc(100);
  for (void* pointer : {static_cast<void*>(&data), static_cast<void*>(&local), mapped, foreign}) {
    const std::string named = " of a pointer that was never allocated: " + address(pointer);
    EXPECT_DEATH(refmalloc_free(pointer), "refmalloc: free" + named);
    EXPECT_DEATH(refmalloc_realloc(pointer, 10), "refmalloc: realloc" + named);
    EXPECT_DEATH(refmalloc_malloc_usable_size(pointer), "refmalloc: malloc_usable_size" + named);
  }
  std::free(foreign);
  munmap(mapped, kMiB);
}

// Silent error: the pointer is rounded to an object, or taken for one.
TEST(ChecksDeathTest, an_interior_pointer_is_named_with_its_object) {
  for (const std::size_t size :
       {std::size_t{100}, std::size_t{32768}, std::size_t{300'000}, 20 * kMiB}) {
    auto* const object = static_cast<char*>(refmalloc_malloc(size));
    const std::string room = std::to_string(refmalloc_malloc_usable_size(object));
    for (const std::size_t offset : {std::size_t{1}, std::size_t{16}, size / 2, size - 1}) {
      const std::string named =
          " of a pointer into the middle of an object: " + address(object + offset) +
          " .object of " + room + " bytes at " + address(object);
      EXPECT_DEATH(refmalloc_free(object + offset), "refmalloc: free" + named) << size;
      EXPECT_DEATH(refmalloc_realloc(object + offset, 10), "refmalloc: realloc" + named) << size;
    }
    refmalloc_free(object);
  }
}

TEST(ChecksDeathTest, the_use_of_a_freed_object_is_named) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{300'000}, 20 * kMiB}) {
    void* const object = refmalloc_malloc(size);
    EXPECT_DEATH((refmalloc_free(object), refmalloc_realloc(object, 10)),
                 "refmalloc: realloc of a freed object");
    EXPECT_DEATH((refmalloc_free(object), refmalloc_malloc_usable_size(object)),
                 "refmalloc: malloc_usable_size of a freed object");
    refmalloc_free(object);
  }
}

TEST(ChecksDeathTest, a_sized_free_with_a_wrong_size_is_named) {
  void* const small = refmalloc_malloc(100);
  EXPECT_DEATH(refmalloc_free_sized(small, 10), "refmalloc: sized free with a wrong size: 0x");
  EXPECT_DEATH(refmalloc_free_sized(small, 200), "wrong size: 0x");
  EXPECT_DEATH(refmalloc_free_sized(small, SIZE_MAX - 1), "wrong size: 0x");
  void* const medium = refmalloc_malloc(300'000);
  EXPECT_DEATH(refmalloc_free_sized(medium, 100), "wrong size: 0x");
  EXPECT_DEATH(refmalloc_free_sized(medium, 3'000'000), "wrong size: 0x");
  EXPECT_DEATH(refmalloc_free_aligned_sized(medium, 32 * kMiB << 8, 300'000), "wrong alignment");
  refmalloc_free_sized(small, 100);
  refmalloc_free_sized(medium, 300'000);
}

// Silent error: a size that is right is called wrong, and a sound program ends.
TEST(Checks, sized_frees_with_the_requested_size_are_accepted) {
  for (std::size_t size = 0; size < 10 * kMiB; size = size * 5 / 4 + 1) {
    refmalloc_free_sized(refmalloc_malloc(size), size);
    for (const std::size_t alignment : {8ul, 64ul, 4096ul, 1ul << 20}) {
      refmalloc_free_aligned_sized(refmalloc_aligned_alloc(alignment, size), alignment, size);
    }
    for (std::size_t shorter = size; shorter > 0; shorter = shorter * 2 / 3) {
      refmalloc_free_sized(refmalloc_realloc(refmalloc_malloc(size), shorter), shorter);
    }
  }
}

// Silent error: what one thread frees for another stays behind, or is seen as live.
TEST(Checks, objects_may_travel_between_threads) {
  constexpr int kSlots = 256;
  std::vector<std::atomic<char*>> slots(kSlots);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&slots, t] {
      std::uint64_t random = t + 1;
      for (int step = 0; step < 10'000; ++step) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const std::size_t size = step % 50 == 0 ? random >> 44 : random >> 54;
        auto* const object = static_cast<char*>(refmalloc_calloc(1, size + 1));
        EXPECT_EQ(object[size], 0);
        std::memset(object, 1, size + 1);
        refmalloc_free(slots[(random >> 33) % kSlots].exchange(object));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& slot : slots) refmalloc_free(slot.load());
  EXPECT_TRUE(refmalloc::heap_is_valid());
  refmalloc_statistics now{};
  refmalloc_stats(&now);
  EXPECT_EQ(now.remote_batches_count, 0u);
  EXPECT_EQ(now.active_bytes, 0u);
}

}  // namespace

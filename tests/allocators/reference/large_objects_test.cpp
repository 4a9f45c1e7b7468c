#include "allocators/reference/large_objects.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "allocators/reference/options.h"

namespace refmalloc {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

// Silent error: a recycled mapping passes for zeroed.
TEST(LargeObjects, calls_only_fresh_mappings_zeroed) {
  LargeObjects heap;
  LargeObject* const fresh = heap.allocate(kMegabyte, 16);
  EXPECT_TRUE(fresh->zeroed);
  heap.release(*fresh);
  LargeObject* const reused = heap.allocate(kMegabyte, 16);
  EXPECT_FALSE(reused->zeroed);
  heap.release(*reused);
  EXPECT_TRUE(heap.drop_cache());
}

// Silent error: what is cut off a cached mapping is lost, or counted twice.
TEST(LargeObjects, keeps_the_rest_of_a_longer_cached_mapping) {
  LargeObjects heap;
  LargeObject* const whole = heap.allocate(4 * kMegabyte, 16);
  char* const start = whole->start;
  heap.release(*whole);
  LargeObject* const part = heap.allocate(kMegabyte, 16);
  EXPECT_EQ(part->start, start);
  EXPECT_EQ(heap.usage().cached_bytes, 3 * kMegabyte);
  EXPECT_EQ(heap.usage().used_bytes, kMegabyte);
  EXPECT_TRUE(heap.is_valid());
  heap.release(*part);
  heap.drop_cache();
}

// Silent error: a cached mapping that is made longer loses its pages or its alignment.
TEST(LargeObjects, lengthens_a_cached_mapping_that_is_too_short) {
  LargeObjects heap;
  LargeObject* const shorter = heap.allocate(2 * kMegabyte, 16);
  std::memset(shorter->start, 7, 2 * kMegabyte);
  heap.release(*shorter);
  LargeObject* const longer = heap.allocate(3 * kMegabyte, 16);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(longer->start) % kSliceBytes, 0u);
  EXPECT_EQ(longer->start[0], 7);
  EXPECT_EQ(heap.usage().cached_bytes, 0u);
  std::memset(longer->start, 8, 3 * kMegabyte);
  heap.release(*longer);
  heap.drop_cache();
}

// Silent error: the cache comes on top of what is live, and the resident set rises without need.
TEST(LargeObjects, keeps_no_more_than_was_live_at_most) {
  LargeObjects heap;
  std::vector<LargeObject*> live;
  for (int i = 0; i < 100; ++i) live.push_back(heap.allocate(kMegabyte, 16));
  for (LargeObject* object : live) heap.release(*object);
  EXPECT_EQ(heap.usage().cached_bytes, 32 * kMegabyte) << "so many are kept";
  LargeObject* const longer = heap.allocate(100 * kMegabyte, 16);
  EXPECT_LE(heap.usage().cached_bytes, 7 * kMegabyte) << "those above the most that was live go";
  heap.release(*longer);
  EXPECT_EQ(heap.usage().used_bytes, 0u);
  EXPECT_TRUE(heap.is_valid());
  heap.drop_cache();
  EXPECT_EQ(heap.usage().cached_bytes, 0u);
}

// Silent error: a cache that is no longer used stays for ever.
TEST(LargeObjects, lets_the_cache_go_with_time) {
  options.set(Option::kDecayMs, 500);
  LargeObjects heap;
  heap.release(*heap.allocate(8 * kMegabyte, 16));
  heap.decay(1'000'000'000);
  heap.decay(1'500'000'000);
  EXPECT_NEAR(static_cast<double>(heap.usage().cached_bytes), 4.0 * kMegabyte, kMegabyte / 4.0);
  heap.decay(100'000'000'000);
  EXPECT_EQ(heap.usage().cached_bytes, 0u);
}

// Silent error: two live objects share pages after cuts, moves and growth.
TEST(LargeObjects, never_hands_out_overlapping_memory) {
  LargeObjects heap;
  std::mt19937 random(11);
  struct Live {
    LargeObject* object;
    char mark;
  };
  std::vector<Live> live;
  const auto mark_all = [](const Live& one) {
    for (std::size_t at = 0; at < one.object->bytes; at += 4096) one.object->start[at] = one.mark;
  };
  for (int step = 0; step < 2000; ++step) {
    const std::size_t bytes = kSliceBytes + random() % (2 * kMegabyte);
    if (live.size() < 8) {
      live.push_back({heap.allocate(bytes, 16), static_cast<char>(step)});
      mark_all(live.back());
      continue;
    }
    Live& one = live[random() % live.size()];
    for (std::size_t at = 0; at < one.object->bytes; at += 4096) {
      ASSERT_EQ(one.object->start[at], one.mark);
    }
    if (random() % 3 == 0) {
      ASSERT_TRUE(heap.resize(*one.object, bytes));
      mark_all(one);
    } else {
      heap.release(*one.object);
      one = live.back();
      live.pop_back();
    }
    ASSERT_TRUE(heap.is_valid());
  }
  for (const Live& one : live) heap.release(*one.object);
  heap.drop_cache();
}

}  // namespace
}  // namespace refmalloc

// Misuse that must end the process with a message instead of corrupting the heap.

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "allocators/reference/interface.h"

namespace {

TEST(FaultsDeathTest, a_double_free_right_away_is_named) {
  for (const std::size_t size : {1ul, 100ul, 1024ul, 32768ul, 40'000ul, 20ul << 20}) {
    void* const object = refmalloc_malloc(size);
    EXPECT_DEATH((refmalloc_free(object), refmalloc_free(object)), "double free.*0x");
  }
}

TEST(FaultsDeathTest, a_double_free_with_others_between_is_named_when_both_reach_the_slab) {
  const auto free_twice = [] {
    void* objects[1000];
    for (void*& object : objects) object = refmalloc_malloc(64);
    for (void* object : objects) refmalloc_free(object);
    for (void* object : objects) refmalloc_free(object);
    refmalloc_malloc_trim(0);
  };
  EXPECT_DEATH(free_twice(), "double free.*0x");
}

TEST(FaultsDeathTest, a_double_free_by_two_threads_is_named_when_both_reach_the_slab) {
  const auto free_twice = [] {
    void* const object = refmalloc_malloc(64);
    std::thread([object] { refmalloc_free(object); }).join();
    refmalloc_free(object);
    refmalloc_malloc_trim(0);
  };
  EXPECT_DEATH(free_twice(), "double free.*0x");
}

TEST(FaultsDeathTest, a_foreign_pointer_is_named) {
  static int data = 0;
  int local = 0;
  void* const foreign = std::malloc(100);
  EXPECT_DEATH(refmalloc_free(foreign), "never allocated.*0x");
  EXPECT_DEATH(refmalloc_free(&data), "never allocated.*0x");
  EXPECT_DEATH(refmalloc_free(&local), "never allocated.*0x");
  EXPECT_DEATH(refmalloc_realloc(foreign, 10), "realloc of a pointer that was never.*0x");
  std::free(foreign);
}

TEST(FaultsDeathTest, an_interior_pointer_is_named_in_a_slab_when_it_arrives_there) {
  auto* const small = static_cast<char*>(refmalloc_malloc(100));
  EXPECT_DEATH((refmalloc_free(small + 16), refmalloc_malloc_trim(0)), "middle of an object.*0x");
  EXPECT_DEATH(refmalloc_realloc(small + 16, 10), "middle of an object.*0x");
  auto* const medium = static_cast<char*>(refmalloc_malloc(300'000));
  EXPECT_DEATH(refmalloc_free(medium + 8), "middle of an object.*0x");
  EXPECT_DEATH(refmalloc_free(medium + 70'000), "middle of an object.*0x");
  auto* const large = static_cast<char*>(refmalloc_malloc(20u << 20));
  EXPECT_DEATH(refmalloc_free(large + 16), "middle of an object.*0x");
  EXPECT_DEATH(refmalloc_free(large + (1 << 20)), "middle of an object.*0x");
  refmalloc_free(small);
  refmalloc_free(medium);
  refmalloc_free(large);
}

}  // namespace

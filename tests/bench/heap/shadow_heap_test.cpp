#include "bench/heap/shadow_heap.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

#include "bench/heap/heap.h"

namespace heapwise {
namespace {

class ShadowHeapTest : public testing::Test {
 protected:
  alignas(64) std::array<unsigned char, 4096> memory_{};
  ShadowHeap shadow_;
};

using ShadowHeapDeathTest = ShadowHeapTest;

// Would catch: a check that reports sound heaps as broken.
TEST_F(ShadowHeapTest, SoundObjectsPassAndAreForgottenWhenFreed) {
  for (std::size_t i = 0; i < 64; ++i) shadow_.add(&memory_[i * 64], 1 + i);
  EXPECT_TRUE(shadow_.is_valid());
  EXPECT_EQ(shadow_.live_count(), 64U);
  for (std::size_t i = 0; i < 64; ++i) shadow_.remove(&memory_[i * 64]);
  EXPECT_EQ(shadow_.live_count(), 0U);
}

// Would catch: an allocator that hands out the same memory twice.
TEST_F(ShadowHeapDeathTest, AnOverlappingObjectIsFoundFromBothSides) {
  shadow_.add(&memory_[64], 64);
  EXPECT_EXIT(shadow_.add(&memory_[64], 16), testing::ExitedWithCode(4), "overlaps the live");
  EXPECT_EXIT(shadow_.add(&memory_[112], 64), testing::ExitedWithCode(4), "overlaps the live");
  EXPECT_EXIT(shadow_.add(&memory_[32], 33), testing::ExitedWithCode(4), "overlaps the live");
  shadow_.add(&memory_[128], 16);
  shadow_.add(&memory_[32], 32);
}

// Would catch: an allocator that writes its own data into live objects.
TEST_F(ShadowHeapDeathTest, AChangedByteIsFoundWhenTheObjectIsFreed) {
  shadow_.add(memory_.data(), 100);
  memory_[97] ^= 1;
  EXPECT_EXIT(shadow_.remove(memory_.data()), testing::ExitedWithCode(4),
              "overwritten at offset 96");
}

// Would catch: objects that break SSE code only in production.
TEST_F(ShadowHeapDeathTest, ABadlyAlignedObjectIsFound) {
  EXPECT_EXIT(shadow_.add(&memory_[8], 64), testing::ExitedWithCode(4), "not aligned to 16");
  EXPECT_EXIT(shadow_.add(&memory_[4], 9), testing::ExitedWithCode(4), "not aligned to 8");
  shadow_.add(&memory_[8], 8);
}

// Would catch: a free of something that malloc never gave.
TEST_F(ShadowHeapDeathTest, FreeingWhatIsNotLiveIsFound) {
  EXPECT_EXIT(shadow_.remove(&memory_[16]), testing::ExitedWithCode(4), "not live");
}

// Would catch: a heap type that does not call malloc at all.
TEST(CheckedHeap, ObjectsOfTheRealHeapPass) {
  ShadowHeap shadow;
  CheckedHeap heap(shadow);
  std::array<void*, 100> objects{};
  for (std::size_t i = 0; i < objects.size(); ++i) objects[i] = heap.allocate(1 + 37 * i);
  EXPECT_EQ(shadow.live_count(), objects.size());
  EXPECT_TRUE(shadow.is_valid());
  for (void* object : objects) heap.free(object);
  EXPECT_EQ(shadow.live_count(), 0U);
}

// Would catch: a request that failed and was measured as a fast one.
TEST(PlainHeapDeathTest, ARefusedRequestEndsTheProcessWithItsSize) {
  PlainHeap heap;
  EXPECT_EXIT(heap.allocate(SIZE_MAX / 2), testing::ExitedWithCode(4),
              "out_of_memory: malloc\\(9223372036854775807\\) gave NULL");
}

}  // namespace
}  // namespace heapwise

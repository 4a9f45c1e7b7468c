#include "bench/heap/shadow_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "bench/heap/heap.h"

// The linker sends the calls of the heap types here (CMakeLists.txt): a calloc that forgets to zero
// and a posix_memalign that aligns to 32, when they are told to.
namespace {
bool promises_are_broken = false;
}

extern "C" {
void* __real_calloc(std::size_t count, std::size_t size);
int __real_posix_memalign(void** object, std::size_t alignment, std::size_t size);

void* __wrap_calloc(std::size_t count, std::size_t size) {
  void* object = __real_calloc(count, size);
  if (promises_are_broken) *static_cast<char*>(object) = 1;
  return object;
}
int __wrap_posix_memalign(void** object, std::size_t alignment, std::size_t size) {
  if (!promises_are_broken) return __real_posix_memalign(object, alignment, size);
  const int error = __real_posix_memalign(object, alignment, size + alignment / 2);
  *object = static_cast<char*>(*object) + alignment / 2;
  return error;
}
}

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

// Would catch: an allocator that takes memory for zero which a freed object has written to.
TEST_F(ShadowHeapDeathTest, AByteThatIsNotZeroIsFoundWhereZerosWereAskedFor) {
  memory_[512 + 1023] = 1;
  EXPECT_EXIT(shadow_.add(&memory_[512], 1024, 1, ShadowHeap::Content::kZeros),
              testing::ExitedWithCode(4), "is not zero at offset 1016");
  shadow_.add(&memory_[512], 1023, 1, ShadowHeap::Content::kZeros);
}

// Would catch: an allocator that aligns to what it always does, whatever it is asked for.
TEST_F(ShadowHeapDeathTest, AnObjectLessAlignedThanAskedForIsFound) {
  EXPECT_EXIT(shadow_.add(&memory_[32], 16, 64), testing::ExitedWithCode(4), "not aligned to 64");
  shadow_.add(&memory_[32], 16, 32);
}

// Would catch: a free of something that malloc never gave.
TEST_F(ShadowHeapDeathTest, FreeingWhatIsNotLiveIsFound) {
  EXPECT_EXIT(shadow_.remove(&memory_[16]), testing::ExitedWithCode(4), "not live");
}

// Would catch: a check that reports a sound realloc as broken: grown, shrunk, moved or in place.
TEST_F(ShadowHeapTest, AResizedObjectKeepsItsContentAndIsFilledAnew) {
  constexpr std::pair<std::size_t, std::size_t> kResizes[]{{13, 100}, {100, 13}, {64, 64}, {1, 2}};
  for (const auto& [from, to] : kResizes) {
    shadow_.add(&memory_[0], from);
    auto removed = shadow_.remove(&memory_[0]);
    std::copy_n(&memory_[0], from, &memory_[2048]);
    shadow_.add_resized(&memory_[2048], to, removed);
    removed = shadow_.remove(&memory_[2048]);
    shadow_.add_resized(&memory_[2048], to + 8, removed);
    shadow_.remove(&memory_[2048]);
  }
  EXPECT_EQ(shadow_.live_count(), 0U);
}

// Would catch: a realloc that copies too little, and one that moves an object onto another.
TEST_F(ShadowHeapDeathTest, ContentThatReallocLostIsFound) {
  shadow_.add(&memory_[0], 100);
  shadow_.add(&memory_[512], 64);
  const auto removed = shadow_.remove(&memory_[0]);
  std::copy_n(&memory_[0], 96, &memory_[2048]);
  EXPECT_EXIT(shadow_.add_resized(&memory_[2048], 200, removed), testing::ExitedWithCode(4),
              "resized from 100, lost its content at offset 96");
  EXPECT_EXIT(shadow_.add_resized(&memory_[448], 200, removed), testing::ExitedWithCode(4),
              "overlaps the live");
}

// Would catch: a heap type that does not call malloc at all.
TEST(CheckedHeap, ObjectsOfTheRealHeapPass) {
  ShadowHeap shadow;
  CheckedHeap heap(shadow);
  std::array<void*, 100> objects{};
  for (std::size_t i = 0; i < objects.size(); ++i) objects[i] = heap.allocate(1 + 37 * i);
  EXPECT_EQ(shadow.live_count(), objects.size());
  EXPECT_TRUE(shadow.is_valid());
  for (std::size_t i = 0; i < objects.size(); ++i) {
    objects[i] = heap.reallocate(objects[i], 1 + 37 * (objects.size() - i));
  }
  EXPECT_EQ(shadow.live_count(), objects.size());
  for (void* object : objects) heap.free(object);
  EXPECT_EQ(shadow.live_count(), 0U);
}

// Would catch: a heap type that hands on another size or alignment than it notes.
TEST(CheckedHeap, EveryWayToMakeAnObjectOfTheRealHeapPasses) {
  ShadowHeap shadow;
  CheckedHeap heap(shadow);
  for (std::size_t size = 1; size < 100'000; size = 3 * size + 1) {
    void* const zeroed = heap.allocate_zeroed(size);
    void* const aligned = heap.allocate_aligned(4096, size);
    void* const made_by_new = heap.operator_new(size);
    EXPECT_EQ(shadow.live_count(), 3U);
    heap.free(zeroed);
    heap.free(aligned);
    heap.operator_delete(made_by_new, size);
  }
  EXPECT_EQ(shadow.live_count(), 0U);
}

// Would catch: calls that a checked heap makes without telling the shadow what was promised.
TEST(CheckedHeapDeathTest, BrokenPromisesOfTheRealHeapAreFound) {
  ShadowHeap shadow;
  CheckedHeap heap(shadow);
  promises_are_broken = true;
  EXPECT_EXIT(heap.allocate_zeroed(100), testing::ExitedWithCode(4), "is not zero at offset 0");
  EXPECT_EXIT(heap.allocate_aligned(64, 100), testing::ExitedWithCode(4), "not aligned to 64");
  promises_are_broken = false;
}

// Would catch: a workload that deletes objects by sizes which it has mixed up.
TEST(CheckedHeapDeathTest, AnObjectDeletedByAnotherSizeIsFound) {
  ShadowHeap shadow;
  CheckedHeap heap(shadow);
  void* object = heap.operator_new(100);
  EXPECT_EXIT(heap.operator_delete(object, 101), testing::ExitedWithCode(4),
              "object of 100 bytes .* is deleted as one of 101");
  heap.operator_delete(object, 100);
}

// Would catch: a request that failed and was measured as a fast one.
TEST(PlainHeapDeathTest, ARefusedRequestEndsTheProcessWithItsSize) {
  PlainHeap heap;
  EXPECT_EXIT(heap.allocate(SIZE_MAX / 2), testing::ExitedWithCode(4),
              "out_of_memory: malloc\\(9223372036854775807\\) gave NULL");
  void* object = heap.allocate(1);
  EXPECT_EXIT(heap.reallocate(object, SIZE_MAX / 2), testing::ExitedWithCode(4),
              "out_of_memory: realloc\\(9223372036854775807\\) gave NULL");
  heap.free(object);
}

}  // namespace
}  // namespace heapwise

#include "allocators/reference/slab.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <set>

namespace refmalloc {
namespace {

class SlabTest : public testing::TestWithParam<std::size_t> {
 protected:
  SlabTest()
      : record_(std::aligned_alloc(kTags, round_up(Slab::record_bytes(GetParam()), kTags))),
        slab_(*new (record_) Slab(GetParam(), 0)) {
    run_.slices = kClassShapes[GetParam()].slices;
    run_.start = reinterpret_cast<char*>(std::uintptr_t{1} << 40);
    slab_.open(run_);
  }
  ~SlabTest() override { std::free(record_); }

  refmalloc::Run run_;
  void* record_;
  Slab& slab_;
};

// Silent error: an object is handed out twice, or lies beyond the slab.
TEST_P(SlabTest, hands_out_every_object_once_lowest_first) {
  std::set<void*> seen;
  void* object = nullptr;
  void* last = nullptr;
  while (slab_.take(&object, 1) == 1) {
    ASSERT_GT(object, last);
    ASSERT_TRUE(slab_.begins_object(object));
    ASSERT_LE(static_cast<char*>(object) + kClassShapes[GetParam()].bytes, run_.end());
    seen.insert(last = object);
  }
  EXPECT_EQ(seen.size(), kClassShapes[GetParam()].objects);
  EXPECT_TRUE(slab_.is_full());
  EXPECT_TRUE(slab_.is_valid());
  for (void* each : seen) slab_.put(each);
  EXPECT_TRUE(slab_.is_empty());
  EXPECT_TRUE(slab_.is_valid());
}

// Silent error: a remote free is lost and its memory never used again.
TEST_P(SlabTest, takes_in_what_others_delivered_and_asks_to_be_queued_once) {
  void* objects[2];
  ASSERT_EQ(slab_.take(objects, 2), 2u);
  EXPECT_TRUE(slab_.deliver(0, 1));
  EXPECT_FALSE(slab_.deliver(0, 2));
  EXPECT_EQ(slab_.absorb_remote(), 2u);
  EXPECT_TRUE(slab_.is_empty());
  EXPECT_EQ(slab_.absorb_remote(), 0u);
  ASSERT_EQ(slab_.take(objects, 1), 1u);
  EXPECT_TRUE(slab_.deliver(0, 1)) << "after an absorption the slab must be queued again";
  EXPECT_EQ(slab_.absorb_remote(), 1u);
}

// Silent error: one object ends up twice among the free ones.
TEST_P(SlabTest, ends_the_process_when_an_object_comes_back_twice) {
  void* object = nullptr;
  ASSERT_EQ(slab_.take(&object, 1), 1u);
  slab_.put(object);
  EXPECT_DEATH(slab_.put(object), "double free");
  EXPECT_DEATH((slab_.deliver(0, 1), slab_.deliver(0, 1)), "double free");
  EXPECT_DEATH((slab_.deliver(0, 1), slab_.absorb_remote()), "double free");
  EXPECT_DEATH(slab_.put(run_.start + 1), "middle of an object");
}

INSTANTIATE_TEST_SUITE_P(Classes, SlabTest, testing::Values(1, 3, 9, 32, 40, kClassesCount));

}  // namespace
}  // namespace refmalloc

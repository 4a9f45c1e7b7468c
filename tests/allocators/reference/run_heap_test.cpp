#include "allocators/reference/run_heap.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <vector>

#include "allocators/reference/options.h"
#include "allocators/reference/os.h"

namespace refmalloc {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

class RunHeapTest : public testing::Test {
 protected:
  RunHeapTest() : arena_(++arenas_used) {}
  ~RunHeapTest() override { heap_.purge_all(); }

  RunHeap heap_;
  std::uint8_t arena_;  // each heap its own: runs of one arena may be joined

 private:
  static inline std::uint8_t arenas_used = 0;
};

// Silent error: neighbours are not joined, so the heap falls into pieces and grows for ever.
TEST_F(RunHeapTest, joins_what_comes_back_in_any_order_into_one_run) {
  refmalloc::Run* runs[5];
  for (refmalloc::Run*& run : runs) run = heap_.allocate(3, arena_);
  char* const start = runs[0]->start;
  for (int i : {3, 1, 0, 4, 2}) {
    heap_.release(*runs[i]);
    ASSERT_TRUE(heap_.is_valid());
  }
  refmalloc::Run* const whole = heap_.allocate(15, arena_);
  EXPECT_EQ(whole->start, start);
  EXPECT_FALSE(whole->zeroed);
  heap_.release(*whole);
}

// Silent error: touched memory passes for zeroed, and calloc returns old contents.
TEST_F(RunHeapTest, calls_only_untouched_or_purged_memory_zeroed) {
  refmalloc::Run* const fresh = heap_.allocate(2, arena_);
  EXPECT_TRUE(fresh->zeroed);
  char* const start = fresh->start;
  std::memset(start, 1, fresh->bytes());
  heap_.release(*fresh);
  refmalloc::Run* const reused = heap_.allocate(2, arena_);
  EXPECT_EQ(reused->start, start);
  EXPECT_FALSE(reused->zeroed);
  heap_.release(*reused);
  EXPECT_TRUE(heap_.purge_all());
  refmalloc::Run* const purged = heap_.allocate(2, arena_);
  EXPECT_TRUE(purged->zeroed);
  for (std::size_t i = 0; i < purged->bytes(); ++i) ASSERT_EQ(purged->start[i], 0);
  heap_.release(*purged);
}

// Silent error: a refused madvise is taken for a purge, and calloc returns old contents.
TEST_F(RunHeapTest, keeps_memory_dirty_that_the_kernel_does_not_let_go) {
  refmalloc::Run* const run = heap_.allocate(1, arena_);
  std::memset(run->start, 1, run->bytes());
  // By the raw call: sanitizers make mlock do nothing.
  if (syscall(SYS_mlock, run->start, run->bytes()) != 0 || os::purge(run->start, run->bytes())) {
    GTEST_SKIP() << "no memory can be locked here";
  }
  void* const start = run->start;
  heap_.release(*run);
  heap_.purge_all();
  EXPECT_TRUE(heap_.is_valid());
  refmalloc::Run* const again = heap_.allocate(1, arena_);
  EXPECT_EQ(again->start, start);
  EXPECT_FALSE(again->zeroed);
  syscall(SYS_munlock, again->start, again->bytes());
  heap_.release(*again);
}

// Silent error: what the kernel may still keep passes for zeroed, or for memory that is yet to be
// returned. Where the kernel refuses MADV_FREE the memory is zeroed after all.
TEST_F(RunHeapTest, calls_lazily_purged_memory_returned_but_not_zeroed) {
  options.set(Option::kDecayMs, 0);
  options.set(Option::kPurge, static_cast<std::uint64_t>(Purge::kFree));
  refmalloc::Run* const run = heap_.allocate(8, arena_);
  char* const start = run->start;
  std::memset(start, 1, run->bytes());
  const bool supported = os::purge_lazily(start, run->bytes());
  std::memset(start, 1, run->bytes());
  heap_.release(*run);
  heap_.decay(kSecond);
  EXPECT_EQ(heap_.usage().dirty_slices, 0u);
  EXPECT_TRUE(heap_.is_valid());
  refmalloc::Run* const part = heap_.allocate(5, arena_);
  refmalloc::Run* const rest = heap_.allocate(100, arena_);
  EXPECT_EQ(part->start, start);
  EXPECT_EQ(part->zeroed, !supported);
  EXPECT_EQ(rest->start, part->end());
  EXPECT_EQ(rest->zeroed, !supported) << "three of its slices are stale";
  refmalloc::Run* const fresh = heap_.allocate(10, arena_);
  EXPECT_TRUE(fresh->zeroed);
  for (refmalloc::Run* each : {part, rest, fresh}) heap_.release(*each);
  heap_.purge_all();
  refmalloc::Run* const purged = heap_.allocate(8, arena_);
  EXPECT_TRUE(purged->zeroed);
  for (std::size_t i = 0; i < purged->bytes(); ++i) ASSERT_EQ(purged->start[i], 0);
  heap_.release(*purged);
  options.set(Option::kPurge, static_cast<std::uint64_t>(Purge::kDontNeed));
  options.set(Option::kDecayMs, 500);
}

// Silent error: growing takes memory that is in use, or loses the rest of the neighbour.
TEST_F(RunHeapTest, grows_only_into_free_memory_right_behind_and_shrinks_back) {
  refmalloc::Run* const first = heap_.allocate(2, arena_);
  refmalloc::Run* const second = heap_.allocate(4, arena_);
  refmalloc::Run* const third = heap_.allocate(1, arena_);
  ASSERT_EQ(second->start, first->end());
  EXPECT_FALSE(heap_.grow(*first, 3));
  heap_.release(*second);
  EXPECT_FALSE(heap_.grow(*first, 7));
  EXPECT_TRUE(heap_.grow(*first, 3));
  EXPECT_EQ(first->slices, 3u);
  EXPECT_TRUE(heap_.is_valid());
  EXPECT_TRUE(heap_.grow(*first, 6));
  EXPECT_EQ(first->end(), third->start);
  heap_.shrink(*first, 1);
  EXPECT_EQ(first->slices, 1u);
  EXPECT_EQ(heap_.usage().used_slices, 2u);
  EXPECT_TRUE(heap_.is_valid());
  heap_.release(*first);
  heap_.release(*third);
}

// Silent error: memory in steady use is purged again and again, or idle memory never.
TEST_F(RunHeapTest, returns_half_of_the_idle_memory_in_a_half_life) {
  options.set(Option::kDecayMs, 500);
  refmalloc::Run* const run = heap_.allocate(100, arena_);
  heap_.release(*run);
  heap_.decay(kSecond);
  heap_.decay(kSecond + kSecond / 2);
  const RunHeap::Usage usage = heap_.usage();
  EXPECT_NEAR(static_cast<double>(usage.dirty_slices), 50, 2);
  refmalloc::Run* const in_use = heap_.allocate(usage.dirty_slices, arena_);
  heap_.release(*in_use);
  heap_.decay(2 * kSecond);
  EXPECT_EQ(heap_.usage().dirty_slices, usage.dirty_slices) << "it was not idle all the time";
  heap_.decay(20 * kSecond);
  EXPECT_EQ(heap_.usage().dirty_slices, 0u);
}

// Silent error: address space of a chunk is never unmapped, so mapped bytes only rise.
TEST_F(RunHeapTest, unmaps_long_purged_runs) {
  refmalloc::Run* const run = heap_.allocate(1024, arena_);
  char* const start = run->start;
  heap_.release(*run);
  heap_.purge_all();
  EXPECT_EQ(heap_.usage().clean_slices, 0u);
  EXPECT_EQ(page_map.find(start).bits(), 0u);
  EXPECT_TRUE(heap_.is_valid());
}

// Silent error: two users get the same slices.
TEST_F(RunHeapTest, never_hands_out_overlapping_runs) {
  std::mt19937 random(7);
  std::vector<refmalloc::Run*> live;
  for (int step = 0; step < 20'000; ++step) {
    if (live.size() > 60 || (!live.empty() && random() % 2 == 0)) {
      const std::size_t at = random() % live.size();
      refmalloc::Run* const run = live[at];
      for (std::size_t i = 0; i < run->slices; ++i) {
        refmalloc::Run* seen = nullptr;
        std::memcpy(&seen, run->start + i * kSliceBytes, sizeof seen);
        ASSERT_EQ(seen, run);
      }
      live[at] = live.back();
      live.pop_back();
      heap_.release(*run);
    } else {
      refmalloc::Run* const run = heap_.allocate(1 + random() % 40, arena_);
      for (std::size_t i = 0; i < run->slices; ++i) {
        std::memcpy(run->start + i * kSliceBytes, &run, sizeof run);
      }
      live.push_back(run);
    }
    if (step % 1000 == 0) {
      heap_.decay(static_cast<std::uint64_t>(step) * 1'000'000);
      ASSERT_TRUE(heap_.is_valid());
    }
  }
  for (refmalloc::Run* run : live) heap_.release(*run);
  EXPECT_TRUE(heap_.is_valid());
}

}  // namespace
}  // namespace refmalloc

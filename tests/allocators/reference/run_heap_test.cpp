#include "allocators/reference/run_heap.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <vector>

#include "allocators/reference/options.h"
#include "allocators/reference/os.h"
#include "tests/allocators/reference/kernel_abilities.h"

namespace refmalloc {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

class RunHeapTest : public testing::Test {
 protected:
  RunHeapTest() : arena_(++arenas_used) {}
  ~RunHeapTest() override {
    heap_.purge_all();
    options.set(Option::kDecayMs, kHalfLifeMs);
    options.set(Option::kThp, static_cast<std::uint64_t>(HugePages::kAuto));
  }

  // A run whose pages have all been written.
  refmalloc::Run* allocate_touched(std::size_t slices) {
    refmalloc::Run* const run = heap_.allocate(slices, arena_);
    std::memset(run->start, 1, run->bytes());
    return run;
  }

  // Makes all free slices clean; their addresses stay.
  void clean_all() {
    options.set(Option::kDecayMs, 0);
    heap_.decay(kSecond);
    options.set(Option::kDecayMs, kHalfLifeMs);
  }

  static constexpr std::uint64_t kHalfLifeMs = 500;
  static constexpr std::uint64_t kHalfLife = kSecond / 2;
  static constexpr std::size_t kChunkSlices = 256;

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

// Silent error: dirty and clean runs stay apart, and a request that both together would serve maps
// another chunk.
TEST_F(RunHeapTest, joins_free_neighbours_whatever_they_hold) {
  refmalloc::Run* const first = allocate_touched(4);
  refmalloc::Run* const second = allocate_touched(6);
  refmalloc::Run* const third = allocate_touched(2);
  char* const start = first->start;
  heap_.release(*second);
  clean_all();
  heap_.release(*third);
  heap_.release(*first);
  EXPECT_TRUE(heap_.is_valid());
  const std::uint64_t maps = os::counters.mmap_count;
  refmalloc::Run* const whole = heap_.allocate(kChunkSlices, arena_);
  EXPECT_EQ(whole->start, start);
  EXPECT_EQ(os::counters.mmap_count, maps);
  heap_.release(*whole);
}

// Silent error: a request longer than what was freed takes only untouched pages, so the freed ones
// stay resident and the new ones fault; or it passes for zeroed because most of it is.
TEST_F(RunHeapTest, a_longer_request_takes_the_dirty_slices_and_the_missing_clean_ones) {
  refmalloc::Run* const freed = allocate_touched(4);
  char* const start = freed->start;
  heap_.release(*freed);
  refmalloc::Run* const longer = heap_.allocate(10, arena_);
  EXPECT_EQ(longer->start, start);
  EXPECT_FALSE(longer->zeroed);
  EXPECT_EQ(longer->start[0], 1);
  EXPECT_EQ(longer->start[4 * kSliceBytes], 0);
  EXPECT_EQ(heap_.usage().dirty_slices, 0u);
  EXPECT_EQ(heap_.usage().clean_slices, kChunkSlices - 10);
  heap_.release(*longer);
}

// Silent error: of a run that is dirty at its end the clean front is used, and every page faults
// although resident ones were free.
TEST_F(RunHeapTest, uses_the_dirtier_end_of_a_run) {
  refmalloc::Run* const front = allocate_touched(60);
  refmalloc::Run* const back = allocate_touched(20);
  refmalloc::Run* const guard = allocate_touched(1);
  ASSERT_EQ(back->end(), guard->start);
  heap_.release(*front);
  clean_all();
  heap_.release(*back);
  refmalloc::Run* const shorter = heap_.allocate(12, arena_);
  EXPECT_EQ(shorter->end(), guard->start);
  EXPECT_FALSE(shorter->zeroed);
  refmalloc::Run* const longer = heap_.allocate(10, arena_);
  EXPECT_EQ(longer->end(), shorter->start);
  EXPECT_FALSE(longer->zeroed) << "eight of its slices were dirty";
  EXPECT_EQ(heap_.usage().dirty_slices, 0u);
  EXPECT_TRUE(heap_.is_valid());
  for (refmalloc::Run* run : {shorter, longer, guard}) heap_.release(*run);
}

// Silent error: the untouched end of a chunk is used up piece by piece, as the shortest fit,
// although memory that is still resident would do.
TEST_F(RunHeapTest, uses_a_longer_dirty_run_before_a_mostly_untouched_one) {
  refmalloc::Run* const dirty = allocate_touched(150);
  refmalloc::Run* const guard = allocate_touched(1);
  refmalloc::Run* const tip = allocate_touched(4);
  char* const start = dirty->start;
  ASSERT_EQ(tip->start, guard->end()) << "what is behind it is shorter than the dirty run";
  heap_.release(*dirty);
  heap_.release(*tip);
  refmalloc::Run* const run = heap_.allocate(10, arena_);
  EXPECT_EQ(run->start, start);
  EXPECT_FALSE(run->zeroed);
  heap_.release(*run);
  heap_.release(*guard);
}

// Silent error: calloc clears clean slices because others of the same free run were dirty, and
// faults all of them in.
TEST_F(RunHeapTest, calls_the_clean_part_of_a_dirty_run_zeroed) {
  refmalloc::Run* const front = allocate_touched(10);
  refmalloc::Run* const middle = allocate_touched(4);
  refmalloc::Run* const back = allocate_touched(10);
  refmalloc::Run* const guard = allocate_touched(1);
  char* const start = front->start;
  heap_.release(*front);
  heap_.release(*back);
  clean_all();
  heap_.release(*middle);
  refmalloc::Run* const clean = heap_.allocate(10, arena_);
  ASSERT_EQ(clean->start, start) << "both ends are as clean, so the front is taken";
  EXPECT_TRUE(clean->zeroed);
  for (std::size_t i = 0; i < clean->bytes(); ++i) ASSERT_EQ(clean->start[i], 0);
  EXPECT_EQ(heap_.usage().dirty_slices, 4u);
  heap_.release(*clean);
  heap_.release(*guard);
}

// Silent error: the short way for a run that was just released is never taken, or gives out what
// has been settled since.
TEST_F(RunHeapTest, hands_out_a_run_just_released_unless_another_call_settled_it) {
  refmalloc::Run* const lower = allocate_touched(3);
  refmalloc::Run* const between = allocate_touched(1);
  refmalloc::Run* const higher = allocate_touched(3);
  refmalloc::Run* const guard = allocate_touched(1);
  char* const lowest = lower->start;
  heap_.release(*lower);
  heap_.release(*higher);
  refmalloc::Run* const same = heap_.allocate(3, arena_);
  EXPECT_EQ(same, higher) << "the best fit would be lower";
  EXPECT_FALSE(same->zeroed);
  EXPECT_EQ(heap_.usage().used_slices, 5u);
  heap_.release(*same);
  EXPECT_TRUE(heap_.is_valid());
  refmalloc::Run* const best = heap_.allocate(3, arena_);
  EXPECT_EQ(best->start, lowest) << "the check has settled it, and the best fit is lower";
  for (refmalloc::Run* run : {best, between, guard}) heap_.release(*run);
}

// Silent error: a request of another length overtakes the run that waits, which is then neither
// joined nor taken.
TEST_F(RunHeapTest, a_request_of_another_length_finds_the_run_just_released_among_the_free) {
  refmalloc::Run* const run = allocate_touched(5);
  char* const start = run->start;
  heap_.release(*run);
  refmalloc::Run* const shorter = heap_.allocate(2, arena_);
  EXPECT_EQ(shorter->start, start);
  heap_.release(*shorter);
  refmalloc::Run* const longer = heap_.allocate(5, arena_);
  EXPECT_EQ(longer->start, start);
  heap_.release(*longer);
}

// Silent error: what was released last is never returned to the system, or missing in the sums.
TEST_F(RunHeapTest, counts_decays_and_purges_the_run_just_released) {
  heap_.release(*allocate_touched(7));
  const RunHeap::Usage released = heap_.usage();
  EXPECT_EQ(released.used_slices, 0u);
  EXPECT_EQ(released.dirty_slices, 7u);
  heap_.release(*allocate_touched(7));
  clean_all();
  EXPECT_EQ(heap_.usage().dirty_slices, 0u) << "decayed";
  heap_.release(*allocate_touched(7));
  heap_.purge_all();
  EXPECT_EQ(heap_.usage().dirty_slices, 0u) << "purged";
}

// Silent error: chunks lie scattered, so what is left of one is of no use to the next request and
// no run is longer than a chunk.
TEST_F(RunHeapTest, chunks_follow_each_other_and_are_one_run) {
  if (!kernel_maps_where_asked()) GTEST_SKIP() << "the kernel maps where it likes";
  refmalloc::Run* const first = heap_.allocate(200, arena_);
  refmalloc::Run* const second = heap_.allocate(200, arena_);
  EXPECT_EQ(second->start, first->end()) << "56 slices of it are from the first chunk";
  EXPECT_EQ(heap_.usage().clean_slices, 2 * kChunkSlices - 400);
  refmalloc::Run* const third = heap_.allocate(kChunkSlices + 10, arena_);
  EXPECT_EQ(third->start, second->end());
  char* const start = first->start;
  for (refmalloc::Run* run : {first, second, third}) heap_.release(*run);
  const std::uint64_t maps = os::counters.mmap_count;
  refmalloc::Run* const whole = heap_.allocate(400 + kChunkSlices + 10, arena_);
  EXPECT_EQ(whole->start, start);
  EXPECT_EQ(os::counters.mmap_count, maps);
  heap_.release(*whole);
}

// Silent error: a purge for want of memory leaves the addresses of long free runs mapped, so an
// address space limit is hit although nothing is used.
TEST_F(RunHeapTest, unmaps_long_clean_runs_only_when_all_is_purged) {
  constexpr std::size_t kShort = 15;
  refmalloc::Run* const low = heap_.allocate(10, arena_);
  refmalloc::Run* const hole = heap_.allocate(16, arena_);
  refmalloc::Run* const high = heap_.allocate(kChunkSlices - 26 - kShort, arena_);
  heap_.release(*hole);
  clean_all();
  EXPECT_EQ(heap_.usage().clean_slices, 16 + kShort) << "decay keeps the addresses";
  const std::uint64_t mapped = os::counters.mapped_bytes;
  EXPECT_TRUE(heap_.purge_all());
  EXPECT_EQ(heap_.usage().clean_slices, kShort) << "not worth a mapping of its own";
  EXPECT_EQ(os::counters.mapped_bytes, mapped - 16 * kSliceBytes);
  EXPECT_FALSE(heap_.purge_all()) << "there was nothing any more";
  EXPECT_TRUE(heap_.is_valid());
  heap_.release(*low);
  heap_.release(*high);
}

// Silent error: huge pages are broken up a little with every tick, and the kernel keeps what is
// left of each; or one that is partly in use keeps its free part resident for ever.
TEST_F(RunHeapTest, decay_returns_whole_huge_pages_and_breaks_up_others_for_the_rest) {
  if (!kernel_takes_advice_on_huge_pages()) GTEST_SKIP() << "the kernel has no huge pages";
  options.set(Option::kThp, static_cast<std::uint64_t>(HugePages::kAlways));
  constexpr std::size_t kPart = 8;
  refmalloc::Run* const low = heap_.allocate(kHugePageSlices - kPart, arena_);
  refmalloc::Run* const run = heap_.allocate(kPart + kHugePageSlices + kPart, arena_);
  refmalloc::Run* const high = heap_.allocate(1, arena_);
  ASSERT_EQ(reinterpret_cast<std::uintptr_t>(low->start) % kHugePageBytes, 0u);
  ASSERT_TRUE(page_map.is_huge(low->start));
  const char* const whole_page = low->start + kHugePageBytes;
  heap_.release(*run);
  heap_.decay(kSecond);
  heap_.decay(kSecond + kHalfLife);
  EXPECT_EQ(page_map.count_dirty(whole_page, kHugePageSlices), 0u) << "24 of 48 slices were due";
  EXPECT_EQ(heap_.usage().dirty_slices, 2 * kPart) << "they are parts of huge pages in use";
  heap_.decay(kSecond + 2 * kHalfLife);
  EXPECT_EQ(heap_.usage().dirty_slices, kPart) << "no whole ones are left for what is due";
  heap_.decay(kSecond + 60 * kHalfLife);
  EXPECT_EQ(heap_.usage().dirty_slices, 0u);
  EXPECT_TRUE(heap_.is_valid());
  heap_.release(*low);
  heap_.release(*high);
}

// Silent error: a cut for what is due goes through a huge page.
TEST_F(RunHeapTest, decay_cuts_a_long_stretch_between_huge_pages) {
  if (!kernel_takes_advice_on_huge_pages()) GTEST_SKIP() << "the kernel has no huge pages";
  options.set(Option::kThp, static_cast<std::uint64_t>(HugePages::kAlways));
  refmalloc::Run* const run = heap_.allocate(4 * kHugePageSlices, arena_);
  heap_.release(*run);
  heap_.decay(kSecond);
  heap_.decay(kSecond + kHalfLife / 2);  // about 37 of 128 slices are due
  EXPECT_EQ(heap_.usage().dirty_slices, 2 * kHugePageSlices);
  EXPECT_EQ(heap_.usage().purges, 1u);
}

// Silent error: small heaps pay for huge pages that they hardly use, or large ones get none.
TEST_F(RunHeapTest, with_thp_auto_only_a_heap_that_uses_much_is_given_huge_pages) {
  if (!kernel_takes_advice_on_huge_pages()) GTEST_SKIP() << "the kernel has no huge pages";
  refmalloc::Run* const much = heap_.allocate(2 * kChunkSlices, arena_);
  refmalloc::Run* const more = heap_.allocate(kChunkSlices, arena_);
  EXPECT_FALSE(page_map.is_huge(much->start));
  EXPECT_FALSE(page_map.is_huge(much->end() - 1));
  EXPECT_TRUE(page_map.is_huge(more->start));
  EXPECT_TRUE(page_map.is_huge(more->end() - 1));
  heap_.release(*more);
  heap_.release(*much);
}

}  // namespace
}  // namespace refmalloc

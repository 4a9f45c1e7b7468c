#include "allocators/reference/page_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "allocators/reference/run.h"

namespace refmalloc {
namespace {

// Silent error: a pointer of another heap is taken for one of ours.
TEST(PageMap, finds_nothing_at_addresses_nobody_entered) {
  int local = 0;
  EXPECT_EQ(page_map.find(nullptr).bits(), 0u);
  EXPECT_EQ(page_map.find(&local).bits(), 0u);
  EXPECT_EQ(page_map.find(reinterpret_cast<void*>(~std::uintptr_t{0})).bits(), 0u);
}

// Silent error: an entry at the border of two leaves is written to the wrong one.
TEST(PageMap, keeps_entries_across_the_border_of_two_leaves) {
  constexpr std::uintptr_t kBorder = std::uintptr_t{3} << 32;
  auto* const start = reinterpret_cast<char*>(kBorder - kSliceBytes);
  refmalloc::Run run;
  ASSERT_TRUE(page_map.cover(start, 2 * kSliceBytes));
  page_map.set(start, 2, PageMapEntry(&run, kMediumTag));
  for (char* at :
       {start, start + kSliceBytes - 1, start + kSliceBytes, start + 2 * kSliceBytes - 1}) {
    EXPECT_EQ(page_map.find(at).record<refmalloc::Run>(), &run);
    EXPECT_EQ(page_map.find(at).tag(), kMediumTag);
  }
  EXPECT_EQ(page_map.find(start - 1).bits(), 0u);
  EXPECT_EQ(page_map.find(start + 2 * kSliceBytes).bits(), 0u);
  page_map.clear(start, 2);
  EXPECT_EQ(page_map.find(start).bits(), 0u);
  EXPECT_EQ(page_map.find(start + kSliceBytes).bits(), 0u);
}

// Silent error: memory above the map's range would be entered at a wrong place.
TEST(PageMap, refuses_addresses_it_cannot_represent) {
  EXPECT_FALSE(page_map.cover(reinterpret_cast<void*>(std::uintptr_t{1} << kAddressBits), 1));
}

// A range of slices that nobody else has, from four words before a border of two leaves to four
// words behind it, and a plain copy of its dirty bits.
class DirtyBits : public testing::Test {
 protected:
  static constexpr std::size_t kSlices = 8 * kWordBits;

  void SetUp() override { ASSERT_TRUE(page_map.cover(start_, kSlices << kSliceShift)); }
  void TearDown() override { page_map.mark_clean(start_, kSlices); }

  [[nodiscard]] char* at(std::size_t slice) const { return start_ + (slice << kSliceShift); }

  void mark(std::size_t first, std::size_t slices, bool dirty) {
    if (dirty) {
      page_map.mark_dirty(at(first), slices);
    } else {
      page_map.mark_clean(at(first), slices);
    }
    std::fill_n(expected_.begin() + static_cast<std::ptrdiff_t>(first), slices, dirty);
  }

  void expect_count(std::size_t first, std::size_t slices) const {
    const auto begin = expected_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto dirty = std::count(begin, begin + static_cast<std::ptrdiff_t>(slices), true);
    ASSERT_EQ(page_map.count_dirty(at(first), slices), static_cast<std::size_t>(dirty))
        << first << " + " << slices;
  }

  void expect_last_stretch(std::size_t first, std::size_t slices) const {
    std::size_t end = slices;
    while (end > 0 && !expected_[first + end - 1]) --end;
    std::size_t begin = end;
    while (begin > 0 && expected_[first + begin - 1]) --begin;
    const PageMap::Stretch stretch = page_map.last_dirty(at(first), slices);
    ASSERT_EQ(stretch.slices, end - begin) << first << " + " << slices;
    if (stretch.slices > 0) {
      ASSERT_EQ(stretch.first, begin) << first << " + " << slices;
    }
  }

 private:
  static constexpr std::uintptr_t kBorder = std::uintptr_t{5} << 32;

  char* start_ = reinterpret_cast<char*>(kBorder) - (kSlices / 2 << kSliceShift);
  std::vector<bool> expected_ = std::vector<bool>(kSlices, false);
};

// Silent error: the mask of the first or the last word is one bit off, so a neighbour's slice is
// called clean and calloc returns what it holds.
TEST_F(DirtyBits, change_inside_the_range_only_across_words_and_leaves) {
  for (const std::size_t first : {std::size_t{1}, kWordBits - 1, kWordBits, kSlices / 2 - 1}) {
    for (const std::size_t slices :
         {std::size_t{1}, kWordBits - 1, kWordBits, kWordBits + 1, 2 * kWordBits + 2}) {
      mark(first, slices, true);
      EXPECT_EQ(page_map.count_dirty(at(first), slices), slices);
      EXPECT_EQ(page_map.count_dirty(at(0), kSlices), slices);
      mark(first, slices, false);
      EXPECT_EQ(page_map.count_dirty(at(0), kSlices), 0u);
      mark(0, kSlices, true);
      mark(first, slices, false);
      EXPECT_EQ(page_map.count_dirty(at(0), kSlices), kSlices - slices);
      EXPECT_EQ(page_map.count_dirty(at(first), slices), 0u);
      mark(0, kSlices, false);
    }
  }
}

// Silent error: decay finds nothing where all is dirty, or a stretch where nothing is.
TEST_F(DirtyBits, know_the_last_stretch_of_an_empty_a_whole_and_a_broken_range) {
  EXPECT_EQ(page_map.last_dirty(at(0), kSlices).slices, 0u);
  EXPECT_EQ(page_map.last_dirty(at(0), 0).slices, 0u);
  mark(0, kSlices, true);
  expect_last_stretch(0, kSlices);
  expect_last_stretch(3, kSlices / 2);
  mark(0, kSlices, false);
  mark(2, 3, true);
  mark(kWordBits - 2, kWordBits + 4, true);
  mark(kSlices / 2 - 5, 10, true);
  for (std::size_t end = 0; end <= kSlices; ++end) expect_last_stretch(0, end);
}

// Silent error: any other slip in the words, which would show as a page lost or a page not zero.
TEST_F(DirtyBits, agree_with_a_plain_list_of_slices) {
  std::mt19937 random(3);
  for (int step = 0; step < 3000; ++step) {
    const std::size_t first = random() % kSlices;
    const std::size_t longest = random() % 2 == 0 ? 8 : 3 * kWordBits;
    mark(first, std::min(random() % longest, kSlices - first), random() % 2 == 0);
    const std::size_t from = random() % kSlices;
    const std::size_t slices = random() % (kSlices - from + 1);
    expect_count(from, slices);
    expect_last_stretch(from, slices);
  }
}

// Silent error: decay breaks up a huge page because the bit of its first or last part is missing,
// or keeps small pages for ever because a neighbour's bit was set along.
TEST(PageMap, calls_huge_all_pages_that_a_range_touches_and_no_others) {
  constexpr std::uintptr_t kBorder = std::uintptr_t{7} << 32;
  constexpr std::size_t kPages = 3 * kWordBits;  // words of bits begin and end inside
  const std::uintptr_t begin = kBorder - kPages / 2 * kHugePageBytes;
  const auto slice_of = [begin](std::size_t page, std::size_t slice) {
    return reinterpret_cast<char*>(begin + page * kHugePageBytes + slice * kSliceBytes);
  };
  ASSERT_TRUE(page_map.cover(slice_of(0, 0), kPages * kHugePageBytes));
  const auto expect_huge = [&](std::size_t first, std::size_t end) {
    for (std::size_t page = 0; page < kPages; ++page) {
      const bool huge = page >= first && page < end;
      ASSERT_EQ(page_map.is_huge(slice_of(page, 0)), huge) << page;
      ASSERT_EQ(page_map.is_huge(slice_of(page, kHugePageSlices) - 1), huge) << page;
    }
  };
  expect_huge(0, 0);
  // From the last slice of page 1 to the first of the last page but one.
  const std::size_t slices = (kPages - 4) * kHugePageSlices + 2;
  page_map.set_huge(slice_of(1, kHugePageSlices - 1), slices, true);
  expect_huge(1, kPages - 1);
  page_map.set_huge(slice_of(1, 0), (kPages / 2 - 1) * kHugePageSlices, false);
  expect_huge(kPages / 2, kPages - 1);
  page_map.set_huge(slice_of(0, 0), kPages * kHugePageSlices, false);
  expect_huge(0, 0);
}

}  // namespace
}  // namespace refmalloc

#include "allocators/reference/page_map.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace refmalloc

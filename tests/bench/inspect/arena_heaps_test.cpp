#include "bench/inspect/arena_heaps.h"

#include <gtest/gtest.h>

#include "tests/bench/inspect/smaps_text.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kHeapBytes = kArenaHeapBytes.value;
constexpr std::uint64_t kAt = 0x7f1000000000;  // a multiple of 64 MiB
static_assert(kAt % kHeapBytes == 0);

SmapsText arena(std::uint64_t begins, std::uint64_t opened) {
  SmapsText text;
  text.add(begins, opened, "rw-p").add(begins + opened, kHeapBytes - opened, "---p");
  return text;
}

std::vector<ArenaHeap> by_shape(const SmapsText& text) {
  return find_arena_heaps(text.mappings(), {}, true);
}

HeaderReader reader(HeaderReading reading, std::uint64_t arena = 0) {
  return [=](std::uint64_t, ArenaHeapHeader& header) {
    header.arena = arena;
    return reading;
  };
}

// Catches: arenas that are counted as the program's own memory.
TEST(ArenaHeaps, WhatIsOpenAndItsRestAre64MiBTogether) {
  const auto heaps = by_shape(arena(kAt, 132 * kKilo));
  ASSERT_EQ(heaps.size(), 1U);
  EXPECT_EQ(heaps[0].begins, kAt);
  EXPECT_EQ(heaps[0].opened, Bytes{132 * kKilo});
  EXPECT_EQ(heaps[0].ends(), kAt + kHeapBytes);
}

// Catches: any mapping with a rest taken for an arena.
TEST(ArenaHeaps, WhatBeginsElsewhereOrIsShorterIsNone) {
  EXPECT_TRUE(by_shape(arena(kAt + 4 * kKilo, 132 * kKilo)).empty());
  EXPECT_TRUE(
      by_shape(SmapsText().add(kAt, kMega, "rw-p").add(kAt + kMega, kMega, "---p")).empty());
  EXPECT_TRUE(by_shape(SmapsText().add(kAt, kMega, "rw-p")).empty());
  EXPECT_TRUE(by_shape(SmapsText().add(kAt, kHeapBytes, "---p")).empty()) << "only reserved";
  EXPECT_TRUE(by_shape(SmapsText()).empty());
}

// Catches: a hole between the two taken for address space.
TEST(ArenaHeaps, AHoleEndsIt) {
  SmapsText text;
  text.add(kAt, kMega, "rw-p").add(kAt + 2 * kMega, kHeapBytes - 2 * kMega, "---p");
  EXPECT_TRUE(by_shape(text).empty());
}

// Catches: files and shared memory at such an address.
TEST(ArenaHeaps, FilesAndSharedMemoryAreNone) {
  EXPECT_TRUE(by_shape(SmapsText().add(kAt, kHeapBytes, "rw-p", "/data")).empty());
  EXPECT_TRUE(by_shape(SmapsText().add(kAt, kHeapBytes, "rw-s")).empty());
  SmapsText text;
  text.add(kAt, kMega, "rw-p").add(kAt + kMega, kHeapBytes - kMega, "---p", "/data");
  EXPECT_TRUE(by_shape(text).empty());
}

// Catches: an arena lost because the kernel has joined its rest with a thread's guard above, or
// because its open part is in pieces.
TEST(ArenaHeaps, PiecesAndJoinedNeighboursDoNotHideIt) {
  SmapsText joined;
  joined.add(kAt, kMega, "rw-p").add(kAt + kMega, kHeapBytes - kMega + 4 * kKilo, "---p");
  EXPECT_EQ(by_shape(joined).size(), 1U);
  SmapsText pieces;
  pieces.add(kAt, kMega, "rw-p").add(kAt + kMega, kMega, "rw-p", "[anon: glibc: malloc arena]");
  pieces.add(kAt + 2 * kMega, kHeapBytes - 2 * kMega, "---p");
  ASSERT_EQ(by_shape(pieces).size(), 1U);
  EXPECT_EQ(by_shape(pieces)[0].opened, Bytes{2 * kMega});
}

// Catches: full heaps next to each other, which are one mapping, counted as one or not at all.
TEST(ArenaHeaps, FullOnesNextToEachOtherAreSeveral) {
  SmapsText text;
  text.add(kAt, 2 * kHeapBytes + kMega, "rw-p");
  text.add(kAt + 2 * kHeapBytes + kMega, kHeapBytes - kMega, "---p");
  const auto heaps = find_arena_heaps(text.mappings(), reader(HeaderReading::kHeap, 1), false);
  ASSERT_EQ(heaps.size(), 3U);
  EXPECT_EQ(heaps[1].opened, kArenaHeapBytes);
  EXPECT_EQ(heaps[2].opened, Bytes{kMega});
}

// Catches: a large object, or another allocator's memory, that happens to begin at such an address.
TEST(ArenaHeaps, LargeMappingsAreNoneUnlessTheirHeaderSaysSo) {
  const auto large = SmapsText().add(kAt, kGiga, "rw-p");
  EXPECT_TRUE(by_shape(large).empty());
  EXPECT_TRUE(find_arena_heaps(large.mappings(), reader(HeaderReading::kOther), true).empty());
  EXPECT_EQ(by_shape(SmapsText().add(kAt, kHeapBytes, "rw-p")).size(), 1U);
}

// Catches: the heap of another language's runtime, which has the very shape, told as arenas.
TEST(ArenaHeaps, TheHeaderDecidesWhereItCanBeRead) {
  const auto mappings = arena(0xc000000000, 4 * kMega).mappings();
  EXPECT_TRUE(find_arena_heaps(mappings, reader(HeaderReading::kOther), true).empty());
  EXPECT_TRUE(find_arena_heaps(mappings, reader(HeaderReading::kForbidden), false).empty());
  EXPECT_EQ(find_arena_heaps(mappings, reader(HeaderReading::kForbidden), true).size(), 1U);
  const auto heaps = find_arena_heaps(mappings, reader(HeaderReading::kHeap, 0xabc), false);
  ASSERT_EQ(heaps.size(), 1U);
  EXPECT_EQ(heaps[0].arena, 0xabcU);
}

// Catches: any words taken for a header.
TEST(ArenaHeapHeader, SizesAreWholePagesAndFit) {
  const ArenaHeapHeader good{
      .arena = kAt + 0x30, .bytes = 132 * kKilo, .accessible_bytes = 200 * kKilo};
  EXPECT_TRUE(good.is_valid(kHeapBytes));
  EXPECT_FALSE(good.is_valid(100 * kKilo));
  EXPECT_FALSE(ArenaHeapHeader{}.is_valid(kHeapBytes));
  auto odd = good;
  odd.bytes += 8;
  EXPECT_FALSE(odd.is_valid(kHeapBytes));
  auto beyond = good;
  beyond.bytes = 204 * kKilo;
  EXPECT_FALSE(beyond.is_valid(kHeapBytes));
}

}  // namespace
}  // namespace heapwise

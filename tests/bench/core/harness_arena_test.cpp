#include "bench/core/harness_arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "bench/core/random.h"
#include "bench/core/threads.h"

namespace heapwise {
namespace {

// Would catch: tables of the harness that overwrite each other and so falsify a figure.
TEST(HarnessArena, BlocksAreAlignedApartAndKeepTheirContent) {
  struct Block {
    unsigned char* start;
    std::size_t size;
    unsigned char mark;
  };
  std::vector<Block> blocks;
  Random random(3);
  for (int i = 0; i < 5000; ++i) {
    const std::size_t alignment = std::size_t{16} << random.below(9);
    const std::size_t size = random.below(i % 100 == 0 ? 2 << 20 : 2000);
    auto* start = static_cast<unsigned char*>(harness_allocate(size, alignment));
    ASSERT_NE(start, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(start) % alignment, 0U);
    const auto mark = static_cast<unsigned char>(i);
    std::memset(start, mark, size);
    blocks.push_back({start, size, mark});
    if (i % 2 == 0) {
      const auto victim = random.below(blocks.size());
      harness_release(blocks[victim].start);
      blocks[victim] = blocks.back();
      blocks.pop_back();
    }
  }
  for (const auto& block : blocks) {
    for (std::size_t at = 0; at < block.size; ++at) ASSERT_EQ(block.start[at], block.mark);
  }
}

// Would catch: a harness that grows during a long campaign's run.
TEST(HarnessArena, ReleasedMemoryIsUsedAgain) {
  for (int i = 0; i < 100; ++i) harness_release(harness_allocate(i % 2 == 0 ? 1000 : 1 << 20));
  const auto before = harness_mapped_bytes();
  for (int i = 0; i < 10'000; ++i) harness_release(harness_allocate(i % 2 == 0 ? 1000 : 1 << 20));
  EXPECT_EQ(harness_mapped_bytes(), before);
}

// Would catch: a size that wraps around into a tiny block.
TEST(HarnessArena, AnImpossibleSizeGivesNull) {
  EXPECT_EQ(harness_allocate(SIZE_MAX - 8), nullptr);
  EXPECT_EQ(harness_allocate(std::size_t{1} << 60), nullptr);
  harness_release(nullptr);
}

// Would catch: a race in the free lists.
TEST(HarnessArena, ManyThreadsAllocateAndReleaseAtOnce) {
  Threads threads(4);
  threads.run([](unsigned index) {
    Random random(index);
    std::vector<std::pair<unsigned char*, std::size_t>> blocks(64);
    for (int i = 0; i < 20'000; ++i) {
      auto& [start, size] = blocks[random.below(blocks.size())];
      for (std::size_t at = 0; at < size; ++at) ASSERT_EQ(start[at], index);
      harness_release(start);
      size = random.below(300);
      start = static_cast<unsigned char*>(harness_allocate(size));
      std::memset(start, static_cast<int>(index), size);
    }
  });
}

}  // namespace
}  // namespace heapwise

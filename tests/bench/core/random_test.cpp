#include "bench/core/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "bench/core/distribution.h"

namespace heapwise {
namespace {

// Would catch: two machines that measure different sequences under one seed.
TEST(Random, TheSameSeedGivesTheKnownStream) {
  // First outputs of SplitMix64 from seed 1234567, as published with the generator.
  SplitMix64 mix(1234567);
  EXPECT_EQ(mix.next(), 6457827717110365317U);
  EXPECT_EQ(mix.next(), 3203168211198807973U);
  Random a(42);
  Random b(42);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.next(), b.next());
}

// Would catch: slots at the ends that are never or too often replaced.
TEST(Random, BelowIsUniformOverItsRange) {
  Random random(7);
  std::array<int, 10> seen{};
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) ++seen[random.below(seen.size())];
  for (const int count : seen) EXPECT_NEAR(count, kDraws / 10, 5 * std::sqrt(kDraws / 10));
}

// Would catch: an order that comes more often than the others, or an item lost.
TEST(Random, AShuffleGivesEveryOrderEquallyOften) {
  Random random(7);
  std::map<std::array<int, 3>, int> seen;
  constexpr int kShuffles = 60'000;
  for (int i = 0; i < kShuffles; ++i) {
    std::array<int, 3> items{1, 2, 3};
    shuffle(items, random);
    ++seen[items];
  }
  EXPECT_EQ(seen.size(), 6U);
  for (const auto& [order, count] : seen) {
    EXPECT_NEAR(count, kShuffles / 6, 5 * std::sqrt(kShuffles / 6));
  }
}

// Would catch: sizes outside the range that the workload announces.
TEST(LogUniform, EverySizeIsInRangeAndEveryDoublingEquallyLikely) {
  Random random(7);
  const LogUniform sizes(16, 1024);
  std::array<int, 6> doublings{};
  constexpr int kDraws = 120'000;
  for (int i = 0; i < kDraws; ++i) {
    const auto size = sizes.draw(random);
    ASSERT_GE(size, 16U);
    ASSERT_LE(size, 1024U);
    ++doublings[std::min<std::size_t>(
        5, static_cast<std::size_t>(std::log2(static_cast<double>(size) / 16.0)))];
  }
  for (const int count : doublings) EXPECT_NEAR(count, kDraws / 6, kDraws / 6 * 0.05);
}

// Would catch: `size=1M` that measures 1M give or take a byte.
TEST(LogUniform, OneSizeIsExactlyThatSize) {
  Random random(7);
  for (const std::uint64_t size : {1ULL, 100ULL, 1ULL << 20, 33'550'312ULL}) {
    const LogUniform sizes(size, size);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(sizes.draw(random), size);
  }
}

// Would catch: arrivals of another rate, or gaps that are all alike.
TEST(Exponential, TheMeanIsTheGivenOneAndLongGapsHaveTheirShare) {
  Random random(7);
  const Exponential gaps(250.0);
  constexpr int kDraws = 100'000;
  double sum = 0;
  int beyond_three_means = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto gap = gaps.draw(random);
    ASSERT_GE(gap, 0.0);
    sum += gap;
    if (gap > 750.0) ++beyond_three_means;
  }
  EXPECT_NEAR(sum / kDraws, 250.0, 250.0 * 0.02);
  EXPECT_NEAR(beyond_three_means, kDraws * std::exp(-3.0), kDraws * 0.005);
}

}  // namespace
}  // namespace heapwise

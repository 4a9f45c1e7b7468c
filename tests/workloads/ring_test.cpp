#include "workloads/ring.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

/// 1, 2, … 10.
Ring<int> ring_of_ten() {
  int value = 0;
  return Ring(make_values(10, [&] { return ++value; }));
}

// Would catch: a workload that announces other bytes than it asks for, where its ring begins anew.
TEST(Ring, AnnouncesWhatItThenGivesFromAnyPlaceOn) {
  auto ring = ring_of_ten();
  for (const std::uint64_t count : {7, 3, 0, 4, 9, 10, 23}) {
    const auto announced =
        ring.sum_of_next(count, [](int value) { return static_cast<std::uint64_t>(value); });
    std::uint64_t given = 0;
    for (std::uint64_t i = 0; i < count; ++i) given += static_cast<std::uint64_t>(ring.next());
    EXPECT_EQ(announced, given) << count;
  }
}

// Would catch: values that are skipped or given twice where some are taken together.
TEST(Ring, TakenTogetherTheValuesAreTheSameOnes) {
  auto one_by_one = ring_of_ten();
  auto together = ring_of_ten();
  for (std::size_t taken = 0; taken < 40;) {
    const auto some = together.take(4);
    ASSERT_GT(some.size(), 0U);
    ASSERT_LE(some.size(), 4U);
    for (const int value : some) ASSERT_EQ(value, one_by_one.next());
    taken += some.size();
  }
}

// Would catch: a large live set of which a short ring replaces a part only, or a length that some
// live set divides.
TEST(Ring, APrimeIsOneAndAsLargeAsWanted) {
  for (const std::uint64_t least : {1, 65'521, 65'522, 1'000'000, 16'000'000, 17'000'000}) {
    const auto prime = prime_from(least);
    EXPECT_GE(prime, least);
    for (std::size_t divisor = 2; divisor * divisor <= prime; ++divisor) {
      ASSERT_NE(prime % divisor, 0U) << prime;
    }
  }
}

}  // namespace
}  // namespace heapwise

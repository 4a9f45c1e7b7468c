#include "bench/inspect/quantities.h"

#include <gtest/gtest.h>

#include "tests/bench/inspect/smaps_text.h"

namespace heapwise {
namespace {

// Catches: 1024 KiB where 1 MiB is meant, and digits that promise more than was measured.
TEST(Quantities, SizesHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(size_text({0}), "0");
  EXPECT_EQ(size_text({512}), "512 B");
  EXPECT_EQ(size_text({132 * kKilo}), "132 KiB");
  EXPECT_EQ(size_text({kMega - 1}), "1.00 MiB");
  EXPECT_EQ(size_text({kMega + kMega / 2}), "1.50 MiB");
  EXPECT_EQ(size_text({2180 * kMega}), "2.13 GiB");
  EXPECT_EQ(size_text({3000 * 1024 * kGiga}), "3000 TiB");
}

// Catches: a sign that is lost.
TEST(Quantities, GrowthHasASign) {
  EXPECT_EQ(growth_text(0), "0");
  EXPECT_EQ(growth_text(static_cast<std::int64_t>(kMega)), "+1.00 MiB");
  EXPECT_EQ(growth_text(-2048), "-2.00 KiB");
}

// Catches: separators in the wrong place.
TEST(Quantities, CountsAreGroupedByThree) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(12345678), "12,345,678");
}

// Catches: rare events that are told as none.
TEST(Quantities, RatesAndSharesKeepSmallOnes) {
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(0.3), "0.3");
  EXPECT_EQ(rate_text(34567.4), "34,567");
  EXPECT_EQ(share_text(0), "0 %");
  EXPECT_EQ(share_text(0.004), "0.4 %");
  EXPECT_EQ(share_text(1.8), "180 %");
}

// Catches: a time in another unit than it says.
TEST(Quantities, TimesAreSecondsOrMilliseconds) {
  EXPECT_EQ(seconds_text({1'000'000'000}), "1.0 s");
  EXPECT_EQ(seconds_text({12'400'000'000}), "12 s");
  EXPECT_EQ(seconds_text({3'800'000}), "3.8 ms");
  EXPECT_EQ(seconds_text({140'000'000}), "140 ms");
}

}  // namespace
}  // namespace heapwise

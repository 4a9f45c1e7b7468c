// Figures in sentences.
#include "bench/claims/wording.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

// Would catch: a comma in front of the first digit or behind a sign.
TEST(Wording, GroupsDigitsByThree) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(135168), "135,168");
  EXPECT_EQ(grouped(-100), "-100");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
}

// Would catch: a growth that reads like a size.
TEST(Wording, SignsDifferences) {
  EXPECT_EQ(grouped_difference(4096), "+4,096");
  EXPECT_EQ(grouped_difference(-4096), "-4,096");
  EXPECT_EQ(grouped_difference(0), "+0");
}

// Would catch: a distance of addresses in a unit too small to read, or off by one unit.
TEST(Wording, RoundsBytesToTheLargestUnit) {
  EXPECT_EQ(rounded_bytes(0), "0 bytes");
  EXPECT_EQ(rounded_bytes(1023), "1023 bytes");
  EXPECT_EQ(rounded_bytes(1024), "1.0 KiB");
  EXPECT_EQ(rounded_bytes(-1536), "-1.5 KiB");
  EXPECT_EQ(rounded_bytes(std::int64_t{41} << 40), "41.0 TiB");
}

}  // namespace
}  // namespace heapwise

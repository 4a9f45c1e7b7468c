#include "bench/core/units.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

// Would catch: a size taken for bytes that was meant in K, as glibc itself does.
TEST(Units, ASizeWithASuffixIsReadInPowersOf1024) {
  EXPECT_EQ(parse_scaled("128K"), 131072U);
  EXPECT_EQ(parse_scaled("32M"), 33554432U);
  EXPECT_EQ(parse_scaled("1G"), 1073741824U);
  EXPECT_EQ(parse_scaled("100"), 100U);
}

// Would catch: half a number accepted in silence.
TEST(Units, AnythingElseThanANumberIsRefused) {
  for (const char* text : {"", "K", "1.5M", "-1", "12x", "1KB", " 1", "0x10"}) {
    EXPECT_EQ(parse_scaled(text), std::nullopt) << text;
  }
}

// Would catch: a size that wraps around to a small one.
TEST(Units, ASizeBeyond64BitsIsRefused) {
  EXPECT_EQ(parse_scaled("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_scaled("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_scaled("17179869184G"), std::nullopt);
}

// Would catch: a printed size that reads back as another.
TEST(Units, WhatIsPrintedReadsBackTheSame) {
  for (const std::uint64_t value : {0ULL, 1ULL, 1023ULL, 1024ULL, 1536ULL, 131072ULL, 33550312ULL,
                                    1ULL << 20, 3ULL << 30, 1ULL << 40}) {
    EXPECT_EQ(parse_scaled(format_scaled(value)), value);
  }
  EXPECT_EQ(format_scaled(131072), "128K");
}

}  // namespace
}  // namespace heapwise

#include "allocators/reference/options.h"

#include <gtest/gtest.h>

#include <cstring>

#include "allocators/reference/size_classes.h"

namespace refmalloc {
namespace {

bool parses(const char* text, std::uint64_t& value) {
  return parse_quantity(text, std::strlen(text), value);
}

// Silent error: "128K" is read as 128 bytes.
TEST(Options, reads_units_as_powers_of_1024) {
  std::uint64_t value = 0;
  EXPECT_TRUE(parses("128K", value) && value == 128 << 10);
  EXPECT_TRUE(parses("3m", value) && value == 3 << 20);
  EXPECT_TRUE(parses("2G", value) && value == std::uint64_t{2} << 30);
  EXPECT_TRUE(parses("0", value) && value == 0);
}

// Silent error: half-understood text becomes a setting.
TEST(Options, refuses_what_is_no_quantity) {
  std::uint64_t value = 77;
  for (const char* text :
       {"", "K", "-1", "1KB", "1 K", "0x10", "99999999999999999999", "18014398509481984K"}) {
    EXPECT_FALSE(parses(text, value)) << text;
  }
  EXPECT_EQ(value, 77u);
}

// Silent error: one bad entry swallows those after it.
TEST(Options, reports_what_it_does_not_understand_and_goes_on) {
  Options mine;
  testing::internal::CaptureStderr();
  mine.apply("colour=blue,,decay_ms,=,decay_ms=x,mmap_threshold=1M,decay_ms=7");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("'colour'"), std::string::npos) << said;
  EXPECT_NE(said.find("decay_ms=x"), std::string::npos) << said;
  EXPECT_EQ(mine.get(Option::kMmapThreshold), std::uint64_t{1} << 20);
  EXPECT_EQ(mine.get(Option::kDecayMs), 7u);
}

// Silent error: a threshold among the size classes, or no arena at all.
TEST(Options, moves_values_into_their_range) {
  Options mine;
  mine.apply("mmap_threshold=1,arenas=0");
  EXPECT_EQ(mine.by_name("mmap_threshold"), static_cast<long long>(kLargestClassBytes + 1));
  EXPECT_EQ(mine.by_name("arenas"), 1);
  mine.set(Option::kArenas, 1'000'000);
  EXPECT_EQ(mine.by_name("arenas"), static_cast<long long>(kMostArenas));
  EXPECT_EQ(mine.by_name("colour"), -1);
  EXPECT_EQ(mine.by_name("arena"), -1);
  EXPECT_EQ(mine.by_name(nullptr), -1);
}

}  // namespace
}  // namespace refmalloc

#include "allocators/reference/options.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>

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

std::string complaints_about(Options& options, const char* text) {
  testing::internal::CaptureStderr();
  options.apply(text);
  return testing::internal::GetCapturedStderr();
}

// Silent error: one bad entry swallows those after it.
TEST(Options, reports_what_it_does_not_understand_and_goes_on) {
  Options mine(kInitialOptions);
  const std::string said = complaints_about(
      mine, "colour=blue,,decay_ms,=,decay_ms=x,mmap_threshold=1M,decay_ms=7,colour=red");
  EXPECT_NE(said.find("'colour'"), std::string::npos) << said;
  EXPECT_NE(said.find("decay_ms cannot be 'x'"), std::string::npos) << said;
  EXPECT_NE(said.find("a number from 0 to 1000000000"), std::string::npos) << said;
  EXPECT_EQ(mine.get(Option::kMmapThreshold), std::uint64_t{1} << 20);
  EXPECT_EQ(mine.get(Option::kDecayMs), 7u);
}

// Silent error: a slip in a name leaves the default, and the message does not help to find it.
TEST(Options, proposes_the_name_that_was_probably_meant) {
  for (const auto& [written, meant] :
       {std::pair{"arena", "arenas"}, std::pair{"decay", "decay_ms"},
        std::pair{"mmap_treshold", "mmap_threshold"}, std::pair{"decay_ms ", "decay_ms"}}) {
    EXPECT_STREQ(nearest_option(written, std::strlen(written)), meant);
  }
  for (const char* nothing_like_it : {"", "x", "colour", "bogus", "LD_PRELOAD"}) {
    EXPECT_EQ(nearest_option(nothing_like_it, std::strlen(nothing_like_it)), nullptr);
  }
  Options mine(kInitialOptions);
  EXPECT_NE(complaints_about(mine, "arena=2").find("did you mean arenas?"), std::string::npos);
}

// Silent error: a prefix of a word, or more than a word, is taken for it.
TEST(Options, takes_a_word_for_its_place_in_the_row) {
  static constexpr const char* kColours[] = {"red", "green", "blue"};
  const OptionRow row{.name = "colour", .initial = 0, .lowest = 0, .highest = 2, .words = kColours};
  std::uint64_t value = 77;
  EXPECT_TRUE(parse_word(row, "green", 5, value) && value == 1);
  EXPECT_TRUE(parse_word(row, "blue,red", 4, value) && value == 2);
  for (const char* none : {"", "gree", "greens", "GREEN", "1", " red"}) {
    EXPECT_FALSE(parse_word(row, none, std::strlen(none), value)) << none;
  }
  EXPECT_EQ(value, 2u);
}

// Silent error: text of any length or content runs over a buffer, or moves the terminal's cursor.
TEST(Options, survives_whatever_the_environment_holds) {
  Options mine(kInitialOptions);
  std::string noise;
  for (int i = 0; i < 20'000; ++i) noise += static_cast<char>(1 + i * 7919 % 255);
  for (const std::string& text :
       {noise, std::string(10'000, 'a') + "=1", "decay_ms=" + std::string(10'000, '9'),
        std::string(300, '='), std::string("\033[2J\n=1")}) {
    const std::string said = complaints_about(mine, text.c_str());
    EXPECT_EQ(said.find('\033'), std::string::npos);
    EXPECT_EQ(said.find("\n\n"), std::string::npos);
  }
  for (const OptionRow& row : kOptionRows) {
    EXPECT_EQ(mine.by_name(row.name), static_cast<long long>(row.initial)) << row.name;
  }
}

// Silent error: a threshold among the size classes, or no arena at all.
TEST(Options, moves_values_into_their_range) {
  Options mine(kInitialOptions);
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

#include "bench/inspect/keyed_text.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

constexpr const char* kStatus =
    "Name:\tVmRSS:\n"
    "State:\tS (sleeping)\n"
    "VmHWM:\t    2048 kB\n"
    "VmRSS:\t    1636 kB\n"
    "Uid:\t1000\t1001\t1000\t1000\n"
    "Groups:\t \n"
    "Threads:\t17\n";

// Catches: a key found inside of another line, such as in a program's name.
TEST(KeyedText, AKeyBeginsItsLine) {
  EXPECT_EQ(bytes_of(kStatus, "VmRSS"), Bytes{1636 * kKiB.value});
  EXPECT_EQ(bytes_of(kStatus, "RSS"), Bytes{0});
  EXPECT_EQ(bytes_of(kStatus, "Vm"), Bytes{0});
  EXPECT_EQ(value_of(kStatus, "State"), "S (sleeping)");
}

// Catches: the last of several numbers, or a crash where a value is missing.
TEST(KeyedText, ANumberIsWhatTheValueBeginsWith) {
  EXPECT_EQ(number_of(kStatus, "Uid"), 1000U);
  EXPECT_EQ(number_of(kStatus, "Threads"), 17U);
  EXPECT_EQ(number_of(kStatus, "State"), std::nullopt);
  EXPECT_EQ(value_of(kStatus, "Groups"), "");
  EXPECT_EQ(value_of("", "Groups"), std::nullopt);
  EXPECT_EQ(value_of("Cut", "Cut"), std::nullopt);
}

// Catches: the whole line of modes taken for the mode.
TEST(KeyedText, TheChosenWordStandsInBrackets) {
  EXPECT_EQ(chosen_of("always [madvise] never\n"), "madvise");
  EXPECT_EQ(chosen_of("always madvise never"), "");
  EXPECT_EQ(chosen_of("] ["), "");
}

}  // namespace
}  // namespace heapwise

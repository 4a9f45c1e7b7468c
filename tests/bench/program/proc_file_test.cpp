#include "bench/program/proc_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace heapwise {
namespace {

// Catches: a name with blanks and parentheses that moves all fields behind it.
TEST(ProcessStat, AnyNameIsPassedOver) {
  const auto stat = parse_process_stat(
      "7 (a) b (c) R 3 7 7 0 -1 4194560 11 12 13 14 15 16 17 18 20 0 19 0 20 4096 1 1\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) b (c");
  EXPECT_EQ(stat->state, 'R');
  EXPECT_EQ(stat->parent, 3);
  EXPECT_EQ(stat->flags, 4194560U);
  EXPECT_EQ(stat->minor_faults_count, 11U);
  EXPECT_EQ(stat->children_major_faults_count, 14U);
  EXPECT_EQ(stat->system_ticks, 16U);
  EXPECT_EQ(stat->threads_count, 19U);
  EXPECT_EQ(stat->started_ticks, 20U);
}

// Catches: a crash, or zeros, for what is no such text.
TEST(ProcessStat, WhatIsCutShortIsNothing) {
  for (const char* text : {"", "7", "7 (a)", ")(", "7 (a) R 3 7 7 0 -1 4194560 11 12 13"}) {
    EXPECT_FALSE(parse_process_stat(text)) << text;
  }
}

// Catches: a kernel whose text is another than the one above.
TEST(ProcessStat, OfThisProcess) {
  const auto stat = read_process_stat(getpid());
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->parent, getppid());
  EXPECT_GE(stat->threads_count, 1U);
  EXPECT_GT(stat->started_ticks, 0U);
}

}  // namespace
}  // namespace heapwise

#include "bench/cli/page.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

// Catches: lines that a terminal breaks, and further lines that begin under the head.
TEST(Page, FurtherLinesBeginBesideTheHead) {
  EXPECT_EQ(hanging_text("  - ", "one two three four", 12), "  - one two\n    three\n    four\n");
  EXPECT_EQ(hanging_text("head ", "fits", 80), "head fits\n");
}

// Catches: words that are cut or lost because a line cannot hold them.
TEST(Page, LongWordsStandAlone) {
  EXPECT_EQ(hanging_text("  ", "a /a/very/long/path b", 8), "  a\n  /a/very/long/path\n  b\n");
  EXPECT_EQ(hanging_text("head", "", 8), "head\n");
}

}  // namespace
}  // namespace heapwise

#include "bench/run/progress.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

struct Screen {
  std::string text;
  Nanoseconds now{kSecond};

  ProgressReporter reporter(bool terminal, std::size_t columns = 0) {
    return ProgressReporter({.write = [this](const std::string& more) { text += more; },
                             .now = [this] { return now; },
                             .rewrites_line = terminal,
                             .columns = columns});
  }
};

ProgressState state(std::size_t done) {
  return {.runs_done = done, .runs_planned = 8, .left = {200 * kSecond}, .doing = "churn glibc"};
}

// Catches control characters in a log file, and a line for each of a thousand runs.
TEST(Progress, ElsewhereItIsAPlainLineNowAndThen) {
  Screen screen;
  auto reporter = screen.reporter(false);
  reporter.update(state(1));
  screen.now += {kSecond};
  reporter.update(state(2));
  screen.now += {10 * kSecond};
  reporter.update(state(4));
  reporter.note("jemalloc: crashed");
  reporter.finish();
  EXPECT_EQ(screen.text,
            "[ 12%] 1 of 8 runs, 3 min 20 s left  churn glibc\n"
            "[ 50%] 4 of 8 runs, 3 min 20 s left  churn glibc\n"
            "jemalloc: crashed\n");
}

// Catches a note that is written over the line being rewritten.
TEST(Progress, OnATerminalTheLineIsRewrittenAndNotesStay) {
  Screen screen;
  auto reporter = screen.reporter(true, 20);
  reporter.update(state(1));
  reporter.note("jemalloc: crashed");
  reporter.finish();
  EXPECT_EQ(screen.text, "\r\033[K[ 12%] 1 of 8 runs,\r\033[Kjemalloc: crashed\n");
}

// Catches a division by zero of an empty plan.
TEST(Progress, AnEmptyPlanIsDone) {
  Screen screen;
  screen.reporter(false).update({});
  EXPECT_EQ(screen.text, "[100%] 0 of 0 runs\n");
}

// Catches durations that lose their larger unit.
TEST(Progress, DurationsReadLikeDurations) {
  EXPECT_EQ(format_duration({1}), "1 s");
  EXPECT_EQ(format_duration({61 * kSecond}), "1 min 01 s");
  EXPECT_EQ(format_duration({3900 * kSecond}), "1 h 05 min");
}

}  // namespace
}  // namespace heapwise

#include "bench/program/metric_pattern.h"

#include <gtest/gtest.h>

#include <string>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

// Catches a direction or an expression that is read other than it was typed.
TEST(MetricPattern, WhatIsTypedComesBack) {
  const auto metric = parse_metric_pattern("rps=([0-9.]+) requests per second:higher");
  EXPECT_EQ(metric.name, "rps");
  EXPECT_EQ(metric.pattern, "([0-9.]+) requests per second");
  EXPECT_TRUE(metric.higher_is_better);
  EXPECT_EQ(parse_metric_pattern(metric.text()), metric);
  EXPECT_FALSE(parse_metric_pattern("p99=p99: ([0-9]+)").higher_is_better);
  EXPECT_EQ(parse_metric_pattern("p99=p99: ([0-9]+)").pattern, "p99: ([0-9]+)");
}

// Catches an expression that can never give a number, found out after an hour.
TEST(MetricPattern, WhatGivesNoNumberIsRefused) {
  for (const char* text : {"rps", "=([0-9]+)", "Rps=([0-9]+)", "r s=([0-9]+)", "rps=[0-9]+",
                           "rps=([0-9]+)/([0-9]+)", "rps=([0-9]+", "cpu_ns=([0-9]+)"}) {
    EXPECT_THROW(parse_metric_pattern(text), UsageError) << text;
  }
}

// Catches the figure of a warm-up line, or of another line, in place of the last.
TEST(MetricPattern, TheLastLineThatMatchesCounts) {
  const auto metric = parse_metric_pattern("rps=rps=([0-9.e+]+)");
  EXPECT_EQ(find_metric(metric, "rps=1\nrps=2.5e+3\nlatency=7\n"), 2500.0);
  EXPECT_EQ(find_metric(metric, "rps=3"), 3.0);
  EXPECT_EQ(find_metric(metric, "nothing of the kind\n"), std::nullopt);
  EXPECT_EQ(find_metric(metric, ""), std::nullopt);
}

// Catches text that is no number becoming 0, which would be the best latency of all.
TEST(MetricPattern, AMatchThatIsNoNumberIsNone) {
  EXPECT_EQ(find_metric(parse_metric_pattern("a=a=(.*)"), "a=fast\na=\n"), std::nullopt);
  EXPECT_EQ(find_metric(parse_metric_pattern("a=a=(.*)"), "a=inf\na=nan\n"), std::nullopt);
}

// Catches an expression that overflows the stack on a line of megabytes.
TEST(MetricPattern, ALongLineIsSearchedInItsBeginning) {
  const std::string output = "a=5" + std::string(4 << 20, 'x') + "\n";
  EXPECT_EQ(find_metric(parse_metric_pattern("a=a=([0-9]+)(?:x|y)*"), output), 5.0);
}

}  // namespace
}  // namespace heapwise

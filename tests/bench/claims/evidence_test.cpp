// What an experiment told, taken apart.
#include "bench/claims/evidence.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

// Would catch: a figure that is read as another one, a label cut at its first blank.
TEST(Evidence, KeepsWhatEachLineTells) {
  const auto evidence = Evidence::parse(
      "value growth_bytes 135168\n"
      "text library /lib/libc.so.6 of the system\n"
      "step 4096 8192 1024 3 1 140737 malloc(1) of 1 byte\n"
      "point rss_bytes 1.5 2e6\n"
      "point rss_bytes 2 3\n");
  EXPECT_EQ(evidence.value("growth_bytes"), 135168);
  EXPECT_EQ(evidence.text("library"), "/lib/libc.so.6 of the system");
  ASSERT_EQ(evidence.steps.size(), 1U);
  const auto& step = evidence.steps.front();
  EXPECT_EQ(step.label, "malloc(1) of 1 byte");
  EXPECT_EQ(step.brk, 4096);
  EXPECT_EQ(step.vsz_bytes, 8192);
  EXPECT_EQ(step.rss_bytes, 1024);
  EXPECT_EQ(step.minor_faults_count, 3);
  EXPECT_EQ(step.major_faults_count, 1);
  EXPECT_EQ(step.address, 140737U);
  ASSERT_EQ(evidence.curve("rss_bytes").size(), 2U);
  EXPECT_DOUBLE_EQ(evidence.curve("rss_bytes")[0].y, 2e6);
  EXPECT_TRUE(evidence.curve("vsz_bytes").empty());
}

// Would catch: the message of an aborting C library taken for a figure, or lost.
TEST(Evidence, KeepsLinesThatAreNotItsOwn) {
  const auto evidence =
      Evidence::parse("munmap_chunk(): invalid pointer\nvalue count\nstep 1 2\nvalue count 3\n");
  EXPECT_EQ(evidence.stray_output, "munmap_chunk(): invalid pointer\nvalue count\nstep 1 2\n");
  EXPECT_EQ(evidence.value("count"), 3);
}

// Would catch: a refusal that is told as a verdict.
TEST(Evidence, KnowsWhatTheSystemRefused) {
  EXPECT_EQ(Evidence::parse("refused open /proc/self/pagemap: Permission denied\n").refused,
            "open /proc/self/pagemap: Permission denied");
}

std::string reason_of(const Evidence& evidence) {
  try {
    evidence.value("count");
  } catch (const MissingEvidence& missing) {
    return missing.what();
  }
  return "";
}

// Would catch: an experiment that crashed and is said to have told nothing.
TEST(Evidence, SaysWhyAFigureIsMissing) {
  EXPECT_NE(reason_of(Evidence::parse("text ended first_malloc\n")).find("did not tell"),
            std::string::npos);
  auto crashed = Evidence::parse("");
  crashed.signal = 11;
  EXPECT_NE(reason_of(crashed).find("signal 11"), std::string::npos);
  auto hung = Evidence::parse("");
  hung.timed_out = true;
  EXPECT_NE(reason_of(hung).find("too long"), std::string::npos);
  auto early = Evidence::parse("");
  early.exit_code = 2;
  EXPECT_NE(reason_of(early).find("exit code 2"), std::string::npos);
}

// Would catch: a document that programs cannot read, or that holds the mark of the end as a figure.
TEST(Evidence, IsToldToPrograms) {
  const auto json = to_json(Evidence::parse(
      "value a_bytes 1\ntext b c\npoint d 1 2\nstep 1 2 3 4 5 6 g\ntext ended x\n"));
  EXPECT_EQ(json["values"], (Json{{"a_bytes", 1}}));
  EXPECT_EQ(json["texts"], (Json{{"b", "c"}}));
  EXPECT_EQ(json["curves"]["d"], (Json::array({Json::array({1.0, 2.0})})));
  EXPECT_EQ(json["steps"][0]["label"], "g");
}

}  // namespace
}  // namespace heapwise

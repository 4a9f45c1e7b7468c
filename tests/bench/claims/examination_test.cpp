// A claim tested: what is not run, and what goes wrong on the way.
#include "bench/claims/examination.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

Judgement judge_count(const Findings& findings) {
  return holds_when(findings.front().value("count") > 0, "counted");
}

Claim claim_with(std::vector<Need> needs) {
  return {
      .id = "1.1", .needs = std::move(needs), .runs = {{.name = "counting"}}, .judge = judge_count};
}

/// Cannot start anything: its parts are nowhere.
class Nowhere {
 public:
  Row examine(const Claim& claim, const Conditions& here) {
    return heapwise::examine(claim, here, runner_);
  }

 private:
  Parts parts_{.launcher = "/nonexistent/heapwise-launch",
               .experiment = "/nonexistent/heapwise-experiment"};
  ResolvedAllocator allocator_;
  std::vector<std::string> keep_;
  Interrupt interrupt_;
  ExperimentRunner runner_{parts_, allocator_, keep_, interrupt_};
};

// Would catch: an experiment that runs although its row is skipped, or a skip without a reason.
TEST(Examination, RunsNothingWhereANeedIsNotMet) {
  const auto claim = claim_with({Need::kX86_64});
  const auto row = Nowhere().examine(claim, {.machine = "aarch64"});
  EXPECT_EQ(row.judgement.holds, Holds::kNotTestable);
  EXPECT_NE(row.judgement.condition.find("aarch64"), std::string::npos);
  EXPECT_TRUE(row.findings.empty());
  EXPECT_FALSE(row.broke);
}

// Would catch: one experiment that cannot be started and ends the whole command.
TEST(Examination, IsARowEvenWhereNothingCanBeStarted) {
  const auto claim = claim_with({});
  const auto row = Nowhere().examine(claim, {});
  EXPECT_EQ(row.judgement.holds, Holds::kNotTestable);
  EXPECT_FALSE(row.judgement.condition.empty());
}

// Would catch: a document whose run stands under another experiment's name.
TEST(Examination, IsToldToPrograms) {
  const auto claim = claim_with({});
  const Row row{.claim = &claim,
                .judgement = holds("counted"),
                .requests = claim.runs,
                .findings = {Evidence::parse("value count 1\n")}};
  const auto json = to_json(row);
  EXPECT_EQ(json["verdict"], "holds");
  EXPECT_EQ(json["measured"], "counted");
  EXPECT_EQ(json["runs"][0]["experiment"], "counting");
  EXPECT_EQ(json["runs"][0]["values"]["count"], 1);
}

}  // namespace
}  // namespace heapwise

#include "bench/run/scaling.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/run/groups.h"
#include "bench/run/plan.h"
#include "workloads/workload.h"

namespace heapwise {
namespace {

/// The first workload with a parameter `threads`, or without one; nullptr where there is none.
const WorkloadDescriptor* workload_with_threads(bool has_threads) {
  for (const auto* workload : all_workloads()) {
    const bool has = std::ranges::any_of(
        workload->parameters, [](const auto& parameter) { return parameter.key == "threads"; });
    if (has == has_threads) return workload;
  }
  return nullptr;
}

const Profile& smoke() {
  return find_profile("smoke");
}

std::string refusal_of(const std::string& workload, const std::vector<unsigned>& threads) {
  try {
    scale_workloads(smoke(), parse_specs(workload), threads);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

// Catches numbers that are lost, doubled or read as something else.
TEST(Scaling, NumbersOfThreadsAreDifferentAndAboveZero) {
  EXPECT_EQ(parse_scale("1,2,16"), (std::vector<unsigned>{1, 2, 16}));
  EXPECT_EQ(parse_scale("4"), std::vector<unsigned>{4});
  for (const char* wrong : {"", "0,1", "1,,2", "1,2,", "2,2", "1;2", "a", "-1", "1.5", "1,4096M"}) {
    EXPECT_THROW(parse_scale(wrong), UsageError) << wrong;
  }
}

// Catches a workload that is measured three times the same, because nothing in it changes.
TEST(Scaling, AWorkloadWithoutThreadsIsRefusedWhereItIsNamed) {
  const std::string name(workload_with_threads(false)->name);
  EXPECT_NE(refusal_of(name, {1, 2}).find(name + " has no parameter 'threads'"), std::string::npos);
  EXPECT_NE(refusal_of("smal_churn", {1}).find("did you mean"), std::string::npos);
}

class ScaledWorkload : public testing::Test {
 protected:
  void SetUp() override {
    if (workload_with_threads(true) == nullptr) GTEST_SKIP() << "no workload has threads";
    name_ = workload_with_threads(true)->name;
  }

  std::string name_;
};

// Catches cells that differ in more than their threads: their figures would not be of one thing.
TEST_F(ScaledWorkload, ItsGroupsDifferInTheirThreadsAlone) {
  const auto scaling = scale_workloads(smoke(), parse_specs(name_), {1, 3});
  EXPECT_TRUE(scaling.left_out.empty());
  auto groups = make_groups(
      smoke(), {.allocators = parse_specs("glibc"), .workloads = scaling.workloads, .passes = {}});
  EXPECT_NO_THROW(validate({.seed = 1, .groups = groups}));
  std::erase_if(groups, [](const Group& group) {
    return group.pass != "memory" || group.purpose != Purpose::kComparison;
  });
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].parameters["threads"], 1);
  EXPECT_EQ(groups[1].parameters["threads"], 3);
  EXPECT_LT(groups[0].threads, groups[1].threads);
  groups[1].parameters["threads"] = 1;
  EXPECT_EQ(groups[0].parameters, groups[1].parameters);
}

// Catches a default that forgets a workload, or measures one beside those that were asked for.
TEST_F(ScaledWorkload, WithoutNamesAllThatHaveThreadsAreTakenAndTheOthersTold) {
  const auto scaling = scale_workloads(smoke(), {}, {2});
  EXPECT_TRUE(
      std::ranges::any_of(scaling.workloads, [&](const auto& spec) { return spec.name == name_; }));
  for (const auto& spec : scaling.workloads) EXPECT_EQ(*spec.find("threads"), "2");
  for (const auto& row : smoke().rows) {
    const auto name = parse_spec(row.workload).name;
    const bool is_scaled =
        std::ranges::any_of(scaling.workloads, [&](const auto& spec) { return spec.name == name; });
    const bool is_told = std::ranges::any_of(scaling.left_out, [&](const std::string& words) {
      return words.find(name) != std::string::npos;
    });
    EXPECT_NE(is_scaled, is_told) << name;
  }
}

// Catches threads that are said twice, one of them in vain, and a number that nothing can run with.
TEST_F(ScaledWorkload, ThreadsAreSaidOnceAndWithinTheirRange) {
  EXPECT_NE(refusal_of(name_ + ":threads=2", {1, 2}).find("says its threads"), std::string::npos);
  EXPECT_NE(refusal_of(name_, {1, 1'000'000'000}).find("is no value for threads"),
            std::string::npos);
}

}  // namespace
}  // namespace heapwise

#include "bench/run/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "bench/core/pass.h"
#include "bench/run/default_allocators.h"
#include "bench/run/groups.h"
#include "bench/run/plan.h"
#include "workloads/parameters_json.h"

namespace heapwise {
namespace {

Plan plan_of(const Profile& profile) {
  return {.seed = 1,
          .groups = make_groups(profile, {.allocators = default_allocators(), .workloads = {}})};
}

// Catches a table with a workload, parameter or pass that does not exist.
TEST(Profile, EveryProfileIsAValidPlan) {
  for (const auto& profile : all_profiles()) {
    const auto plan = plan_of(profile);
    EXPECT_NO_THROW(validate(plan)) << profile.name;
    for (const auto& group : plan.groups) EXPECT_NE(find_pass(group.pass), nullptr) << group.pass;
  }
}

// Catches a verdict from too few blocks: quick and full promise verdicts on time.
TEST(Profile, QuickAndFullGiveEightBlocksToTheNoisyPasses) {
  for (const char* name : {"quick", "full"}) {
    for (const auto& group : plan_of(find_profile(name)).groups) {
      const bool noisy = group.pass == "throughput" || group.pass == "latency";
      if (group.purpose == Purpose::kComparison && noisy) {
        EXPECT_GE(group.blocks, 8U);
      }
    }
  }
}

// Catches a smoke profile that looks like a measurement.
TEST(Profile, SmokeHasTooFewBlocksForAnyVerdict) {
  for (const auto& group : plan_of(find_profile("smoke")).groups) EXPECT_LT(group.blocks, 8U);
}

std::size_t groups_count(const Profile& profile, Purpose purpose) {
  const auto groups = plan_of(profile).groups;
  return static_cast<std::size_t>(std::ranges::count(groups, purpose, &Group::purpose));
}

// Catches a profile without the harness's own cost.
TEST(Profile, EveryProfileMeasuresItsOwnCost) {
  for (const auto& profile : all_profiles()) {
    EXPECT_GE(groups_count(profile, Purpose::kOwnCost), profile.rows.size()) << profile.name;
  }
}

// Catches a sweep that has been lost, and one of 25 settings in minutes-long runs.
TEST(Profile, AllButSoakMeasureTheSweep) {
  for (const auto& profile : all_profiles()) {
    EXPECT_EQ(groups_count(profile, Purpose::kSweep) > 0, profile.name != "soak") << profile.name;
  }
}

// Catches a soak that looks like a verdict, or that says nothing of the course of its runs: two
// runs at least must agree on what still rises.
TEST(Profile, SoakRepeatsWhatHasACourseAndGivesNoVerdicts) {
  for (const auto& group : plan_of(find_profile("soak")).groups) {
    EXPECT_LT(group.blocks, 8U);
    const bool has_course = group.pass == "memory" || group.pass == "open_loop";
    if (has_course) {
      EXPECT_GE(group.blocks, 2U) << group.title() << ", " << group.pass;
    }
  }
}

// Catches minutes-long runs that count as hung, and a hung run of a short profile waited for as if
// it were one.
TEST(Profile, OnlySoakWaitsForMinutes) {
  for (const auto& profile : all_profiles()) {
    EXPECT_EQ(profile.run_timeout > Nanoseconds{60'000'000'000}, profile.name == "soak")
        << profile.name;
  }
}

// Catches a sweep that runs although the one who typed it asked for one workload only.
TEST(Profile, ChosenWorkloadsLeaveTheSweepOut) {
  const auto groups = make_groups(find_profile("quick"), {.allocators = default_allocators(),
                                                          .workloads = parse_specs("small_churn")});
  for (const auto& group : groups) {
    EXPECT_EQ(group.workload, "small_churn");
    EXPECT_NE(group.purpose, Purpose::kSweep);
  }
}

// Catches parameters that are dropped when a workload is chosen by hand.
TEST(Profile, AChosenWorkloadKeepsItsParameters) {
  const auto groups =
      make_groups(find_profile("smoke"), {.allocators = parse_specs("jemalloc tcmalloc"),
                                          .workloads = parse_specs("small_churn:live=5K")});
  ASSERT_FALSE(groups.empty());
  EXPECT_EQ(groups.front().parameters["live"], 5 * 1024);
  EXPECT_EQ(groups.front().baseline, "jemalloc");
}

std::set<std::string> passes_of(const std::vector<Group>& groups) {
  std::set<std::string> passes;
  for (const auto& group : groups) passes.insert(group.pass);
  return passes;
}

std::string refusal_of(const Selection& selection) {
  try {
    make_groups(find_profile("smoke"), selection);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

// Catches passes beside the chosen ones, and a chosen one that the profile's row does not have.
TEST(Profile, ChosenPassesAreMadeWhetherTheRowHasThemOrNot) {
  const auto groups = make_groups(find_profile("smoke"), {.allocators = parse_specs("glibc"),
                                                          .workloads = parse_specs("small_churn"),
                                                          .passes = {"memory", "fragmentation"}});
  EXPECT_EQ(passes_of(groups), (std::set<std::string>{"memory", "fragmentation"}));
}

// Catches a pass that is left out in silence.
TEST(Profile, APassThatDoesNotExistOrDoesNotFitIsRefused) {
  const auto with = [](const char* workload, const char* pass) {
    return refusal_of(
        {.allocators = parse_specs("glibc"), .workloads = parse_specs(workload), .passes = {pass}});
  };
  EXPECT_NE(with("small_churn", "memry").find("did you mean 'memory'"), std::string::npos);
  EXPECT_NE(with("small_churn", "lockstep").find("there is no pass"), std::string::npos);
  EXPECT_NE(with("small_churn", "open_loop").find("it has no requests"), std::string::npos);
  EXPECT_NE(with("producer_consumer", "fragmentation").find("does not show"), std::string::npos);
}

// Catches a workload that is measured in passes which say nothing about it because another's row
// has them.
TEST(Profile, AWorkloadWithoutARowGetsThePassesThatFitIt) {
  const auto passes =
      passes_of(make_groups(find_profile("smoke"), {.allocators = parse_specs("jemalloc"),
                                                    .workloads = parse_specs("request_bursts")}));
  EXPECT_TRUE(passes.contains("memory"));
  EXPECT_TRUE(passes.contains("checked"));
  EXPECT_FALSE(passes.contains("latency"));
  EXPECT_FALSE(passes.contains("open_loop"));
}

Group group_of(const char* workload) {
  return make_groups(find_profile("smoke"),
                     {.allocators = parse_specs("glibc"), .workloads = parse_specs(workload)})
      .front();
}

// Catches an index where people and records are to have a word, and a word that the worker or the
// check of memory cannot read back.
TEST(Profile, AChoiceIsAWordInRecordsAndTitlesAndReadBackFromThere) {
  const auto group = group_of("fixed_size:order=fifo,size=2K");
  EXPECT_EQ(group.parameters["order"], "fifo");
  EXPECT_EQ(group.parameters["size"], 2048);
  EXPECT_EQ(group.title(), "fixed_size:size=2K,order=fifo");
  EXPECT_EQ(group_of("fixed_size:order=lifo").title(), "fixed_size");
  EXPECT_EQ(group_of("fixed_size").parameters["order"], "lifo");
  EXPECT_EQ(group_from_json(to_json(group)).parameters, group.parameters);
  EXPECT_EQ(parameters_from_json(group.workload, group.parameters),
            resolve_parameters(parse_spec(group.title())));
  EXPECT_GT(footprint_of(group).value, 1000 * 2048U);
}

// Catches a plan from another version, or by hand, that is measured with a parameter left out.
TEST(Profile, AnUnknownWordInAPlanIsRefused) {
  auto group = group_of("fixed_size");
  group.parameters["order"] = "filo";
  EXPECT_THROW(footprint_of(group), UsageError);
  group.parameters = {{"ordre", "fifo"}};
  EXPECT_THROW(footprint_of(group), UsageError);
}

// Catches the harness's own allocator among those that are compared.
TEST(Profile, DefaultAllocatorsHoldGlibcAndNoHarnessAllocator) {
  const auto specs = default_allocators();
  EXPECT_EQ(choose_baseline(specs), "glibc");
  for (const auto& spec : specs) EXPECT_NE(spec.name, "null");
  EXPECT_THROW(chosen_allocators({"glibc null"}), UsageError);
  EXPECT_THROW(chosen_allocators({"glibc", "glibc"}), UsageError);
}

// Catches an error that leaves the one who mistyped a profile alone.
TEST(Profile, AnUnknownProfileIsAnsweredWithTheClosest) {
  try {
    find_profile("quik");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'quick'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("choose " + profile_choice()), std::string::npos);
  }
}

// Catches a second list of the profiles, which goes stale when one is added.
TEST(Profile, TheChoiceNamesEveryProfileInOrder) {
  std::size_t place = 0;
  for (const auto& profile : all_profiles()) {
    place = profile_choice().find(profile.name, place);
    ASSERT_NE(place, std::string::npos) << profile.name;
  }
  EXPECT_NE(profile_choice().find(" or " + std::string(all_profiles().back().name)),
            std::string::npos);
}

}  // namespace
}  // namespace heapwise

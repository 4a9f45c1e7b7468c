#include "bench/run/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

Group group_named(const std::string& pass, unsigned blocks) {
  return {.workload = "small_churn",
          .parameters = {{"live", 10}},
          .threads = 1,
          .pass = pass,
          .blocks = blocks,
          .purpose = Purpose::kComparison,
          .baseline = "glibc",
          .allocators = {"glibc", "jemalloc", "tcmalloc", "mimalloc"}};
}

Plan sample_plan(std::uint64_t seed) {
  return {.seed = seed,
          .groups = {group_named("throughput", 5), group_named("memory", 3),
                     group_named("latency", 5)}};
}

// Catches an order that depends on anything but the seed: a resumed campaign would measure others.
TEST(Plan, SameSeedGivesTheSameOrder) {
  EXPECT_EQ(block_order(sample_plan(7)), block_order(sample_plan(7)));
  EXPECT_EQ(allocator_order(sample_plan(7), {1, 2}), allocator_order(sample_plan(7), {1, 2}));
  EXPECT_EQ(environment_padding(sample_plan(7), {1, 2}, 3),
            environment_padding(sample_plan(7), {1, 2}, 3));
}

// Catches a seed that is not used at all: every campaign would share its order effects.
TEST(Plan, AnotherSeedGivesAnotherOrder) {
  EXPECT_NE(block_order(sample_plan(7)), block_order(sample_plan(8)));
  EXPECT_NE(workload_seed(sample_plan(7), {0, 0}), workload_seed(sample_plan(8), {0, 0}));
}

// Catches a block that lacks an allocator or holds one twice: its pairs would be wrong.
TEST(Plan, EveryBlockHoldsEveryAllocatorOnce) {
  const auto plan = sample_plan(11);
  for (const auto ref : block_order(plan)) {
    auto order = allocator_order(plan, ref);
    auto all = plan.groups[ref.group].allocators;
    std::ranges::sort(order);
    std::ranges::sort(all);
    EXPECT_EQ(order, all);
  }
}

// Catches a lockstep of three, which would leave one out, or of threads, which share no CPU.
TEST(Plan, ALockstepTakesTwoAllocatorsAndOneThread) {
  auto plan = sample_plan(1);
  plan.groups[0].slicing.emplace();
  EXPECT_THROW(validate(plan), UsageError);
  plan.groups[0].allocators = {"glibc", "jemalloc"};
  EXPECT_NO_THROW(validate(plan));
  plan.groups[0].threads = 2;
  EXPECT_THROW(validate(plan), UsageError);
}

// Catches a resumed lockstep that is cut otherwise, or a calibration that forgets what it injects.
TEST(Plan, AGroupIsReadBackWithItsSlicesAndWhatIsInjected) {
  auto group = group_named("lockstep", 8);
  EXPECT_FALSE(to_json(group).contains("slicing"));
  EXPECT_FALSE(to_json(group).contains("injection"));
  group.slicing = {.slices_count = 16, .batches_per_slice = 3, .lead_in_batches = 2};
  group.injection = {.time_share = 0.03, .faults_per_million = 12.5, .resident_bytes = 4096};
  group.comparison_blocks = 4;
  const auto back = group_from_json(to_json(group));
  EXPECT_EQ(back.slicing, group.slicing);
  EXPECT_EQ(back.injection, group.injection);
  EXPECT_EQ(back.comparison_blocks, 4U);
}

// Catches a baseline that is made worse along with the candidate: the difference would be nothing.
TEST(Plan, OnlyTheCandidateIsMadeWorseAndBothSidesCarryTheShim) {
  auto group = group_named("lockstep", 8);
  EXPECT_FALSE(group.injection_of("glibc"));
  group.injection = {.time_share = 0.03};
  EXPECT_EQ(group.injection_of("glibc"), Injection{});
  EXPECT_EQ(group.injection_of("jemalloc"), group.injection);
}

// Catches blocks that are lost or run twice by the shuffle.
TEST(Plan, EveryBlockRunsOnce) {
  const auto plan = sample_plan(3);
  std::set<std::pair<std::size_t, unsigned>> seen;
  for (const auto ref : block_order(plan)) EXPECT_TRUE(seen.emplace(ref.group, ref.block).second);
  EXPECT_EQ(seen.size(), plan.blocks_count());
  EXPECT_EQ(plan.runs_count(), 4 * plan.blocks_count());
}

// Catches a plan that finishes one group before the next: drift of the machine would look like a
// difference between passes, and a campaign that is stopped early would lack whole groups.
TEST(Plan, RoundsGoOverAllGroupsBeforeASecondBlock) {
  unsigned round = 0;
  for (const auto ref : block_order(sample_plan(5))) {
    EXPECT_GE(ref.block, round);
    round = ref.block;
  }
}

// Catches a fixed position of the baseline, which would then always run on a warm or a cold
// machine.
TEST(Plan, TheBaselineComesAtEveryPlaceOfABlock) {
  auto plan = sample_plan(9);
  plan.groups[0].blocks = 64;
  std::set<std::ptrdiff_t> places;
  for (unsigned block = 0; block < 64; ++block) {
    const auto order = allocator_order(plan, {0, block});
    places.insert(std::ranges::find(order, "glibc") - order.begin());
  }
  EXPECT_EQ(places.size(), 4U);
}

// Catches padding that leaves its range: the stack would not be shifted evenly over a page.
TEST(Plan, PaddingStaysBelowAPageAndVaries) {
  const auto plan = sample_plan(1);
  std::set<std::size_t> lengths;
  for (std::size_t order = 0; order < 100; ++order) {
    lengths.insert(environment_padding(plan, {0, 0}, order));
  }
  EXPECT_LT(*lengths.rbegin(), 4096U);
  EXPECT_GT(lengths.size(), 90U);
}

// Catches two groups whose records could not be told apart.
TEST(Plan, AnAllocatorTwiceInOneCellIsRefused) {
  Plan plan{.seed = 1, .groups = {group_named("memory", 1), group_named("memory", 1)}};
  EXPECT_THROW(validate(plan), UsageError);
}

// Catches a comparison against an allocator that never runs: every verdict would be no_data.
TEST(Plan, ABaselineThatDoesNotRunIsRefused) {
  auto plan = sample_plan(1);
  plan.groups[0].baseline = "scudo";
  EXPECT_THROW(validate(plan), UsageError);
}

// Catches a field that is lost between manifest and memory: a resumed campaign would run another.
TEST(Plan, GroupsSurviveTheManifest) {
  const auto group = sample_plan(1).groups[1];
  EXPECT_EQ(to_json(group_from_json(to_json(group))), to_json(group));
}

}  // namespace
}  // namespace heapwise

#include "bench/cli/duel.h"

#include <gtest/gtest.h>

#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

Group group_of(const std::string& pass, unsigned blocks) {
  return {.workload = "small_churn",
          .pass = pass,
          .blocks = blocks,
          .baseline = "glibc",
          .allocators = {"glibc", "jemalloc"}};
}

class DuelTest : public ::testing::Test {
 protected:
  PreparedCampaign duel_of(std::vector<Group> groups) {
    return {.folder = ResultFolder::create(folder_.file("duel")),
            .manifest = {.kind = "compare", .plan = {.seed = 1, .groups = std::move(groups)}},
            .candidates = {}};
  }

  TemporaryFolder folder_;
};

// Catches a time that ran out and passes for a result.
TEST_F(DuelTest, AGroupWithFewerBlocksThanAVerdictTakesIsMissing) {
  const auto duel = duel_of({group_of("lockstep", 20), group_of("system_calls", 8)});
  CampaignResult result;
  result.groups = {{.complete_blocks = 5, .block = {2 * kSecond}},
                   {.complete_blocks = 8, .block = {kSecond}}};
  const auto shortage = shortage_of(duel, result, 8);
  EXPECT_EQ(shortage.groups, 1U);
  EXPECT_EQ(shortage.time.value, 3 * 2 * kSecond);
  const auto words = inconclusive_words(shortage, "Go on.");
  EXPECT_NE(words.find("6 s"), std::string::npos) << words;
  EXPECT_NE(words.find("Go on."), std::string::npos) << words;
}

// Catches a comparison that is called too short because the time did not hold all that was planned.
TEST_F(DuelTest, FewerBlocksThanPlannedAreEnoughWhereAVerdictIsPossible) {
  const auto duel = duel_of({group_of("lockstep", 50)});
  CampaignResult result;
  result.groups = {{.complete_blocks = 8, .block = {kSecond}}};
  EXPECT_EQ(shortage_of(duel, result, 8).groups, 0U);
}

// Catches a budget that the trials used up, and nobody who says how much more it takes.
TEST_F(DuelTest, WithoutABlockTheTrialSaysWhatIsMissing) {
  auto duel = duel_of({group_of("lockstep", 8)});
  duel.block_costs = {{4 * kSecond}};
  CampaignResult result;
  result.groups = {{.complete_blocks = 0, .block = {}}};
  EXPECT_EQ(shortage_of(duel, result, 8).time.value, 8 * 4 * kSecond);
}

// Catches a folder set against a spec.
TEST_F(DuelTest, AFolderIsComparedWithAFolderOnly) {
  const auto folder = folder_.file("folder");
  const auto held = ResultFolder::create(folder);
  EXPECT_THROW(require_alike("glibc", folder), UsageError);
  EXPECT_NO_THROW(require_alike(folder, folder));
  EXPECT_NO_THROW(require_alike("glibc", "jemalloc"));
}

}  // namespace
}  // namespace heapwise

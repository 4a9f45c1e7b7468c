// The table of claims: complete, without doubles, and judged by evidence alone.
#include "bench/claims/questions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace heapwise {
namespace {

std::vector<Claim> all_claims() {
  std::vector<Claim> claims;
  for (const auto& question : all_questions()) {
    claims.insert(claims.end(), question.claims.begin(), question.claims.end());
  }
  return claims;
}

// Would catch: a verdict that was written down instead of measured.
TEST(Questions, JudgeNothingWithoutEvidence) {
  for (const auto& claim : all_claims()) {
    SCOPED_TRACE(claim.id);
    ASSERT_NE(claim.judge, nullptr);
    ASSERT_NE(claim.runs.empty(), claim.runs_here == nullptr);
    EXPECT_THROW(claim.judge(Findings(std::max<std::size_t>(1, claim.runs.size()))),
                 MissingEvidence);
  }
}

// Would catch: a row that teaches nothing, because one of its texts is missing.
TEST(Questions, SayAllThatARowNeeds) {
  for (const auto& claim : all_claims()) {
    SCOPED_TRACE(claim.id);
    for (const auto& text :
         {claim.says, claim.experiment, claim.truth, claim.mechanism, claim.see_it}) {
      EXPECT_FALSE(text.empty());
    }
  }
  for (const auto& question : all_questions()) {
    SCOPED_TRACE(question.number);
    EXPECT_FALSE(question.answer.empty());
  }
}

// Would catch: an id that finds two rows, a claim under another question's number, a question that
// is missing.
TEST(Questions, HaveIdsOfTheirOwnUnderTheirNumber) {
  constexpr std::size_t kQuestions = 11;
  ASSERT_EQ(all_questions().size(), kQuestions);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    const auto& question = all_questions()[i];
    EXPECT_EQ(question.number, static_cast<int>(i) + 1);
    for (const auto& claim : question.claims) {
      const std::string id(claim.id);
      EXPECT_TRUE(seen.insert(id).second) << id;
      EXPECT_EQ(id.substr(0, id.find('.')), std::to_string(question.number)) << id;
    }
  }
}

}  // namespace
}  // namespace heapwise

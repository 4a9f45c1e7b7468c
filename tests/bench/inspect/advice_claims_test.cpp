// Advice names claims by their ids, which are another layer's.
#include <gtest/gtest.h>

#include <algorithm>

#include "bench/claims/questions.h"
#include "bench/inspect/advice.h"

namespace heapwise {
namespace {

// Catches: a command at the end of an advice that answers "there is no claim of that id".
TEST(AdviceClaims, AreClaimsThatExist) {
  const auto known = all_claim_ids();
  for (const auto& rule : all_rules()) {
    for (const auto claim : rule.claims) {
      EXPECT_TRUE(claim.empty() || std::ranges::count(known, claim) == 1)
          << rule.name << ": " << claim;
    }
  }
}

}  // namespace
}  // namespace heapwise

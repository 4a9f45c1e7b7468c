// A claim judged by evidence that a test makes up: of machines and C libraries that are not here.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/claims/questions.h"

namespace heapwise {

/// Throws std::runtime_error where no claim has that id.
inline const Claim& find_claim(std::string_view id) {
  for (const auto& question : all_questions()) {
    for (const auto& claim : question.claims) {
      if (claim.id == id) return claim;
    }
  }
  throw std::runtime_error("no claim " + std::string(id));
}

/// The judgement of what the claim's experiments told, each in lines as they write them.
inline Judgement judge_told(std::string_view id, const std::vector<std::string>& told) {
  Findings findings;
  for (const auto& lines : told) findings.push_back(Evidence::parse(lines));
  return find_claim(id).judge(findings);
}

}  // namespace heapwise

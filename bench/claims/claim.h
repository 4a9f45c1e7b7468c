// A claim about malloc or memory on Linux, the experiment that tests it, and the judgement of what
// the experiment told. A verdict is never a constant: judge() sees nothing but the evidence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/claims/conditions.h"
#include "bench/claims/evidence.h"
#include "bench/claims/experiment_runner.h"

namespace heapwise {

enum class Holds { kYes, kOnlyIf, kNo, kNotTestable };

/// `holds`, `holds_if`, `does_not_hold`, `not_testable`: as in claims.json.
std::string_view word_of(Holds holds);

struct Judgement {
  Holds holds = Holds::kNotTestable;
  std::string condition = {};  // of kOnlyIf: "the chunk is not cached"; of kNotTestable: the reason
  std::string measured = {};   // a sentence with the figures
};

Judgement holds(std::string measured);
Judgement holds_if(std::string condition, std::string measured);
Judgement does_not_hold(std::string measured);
Judgement not_testable(std::string reason);
/// holds() or does_not_hold().
Judgement holds_when(bool is_so, std::string measured);

/// The evidence of a claim's runs, in their order.
using Findings = std::vector<Evidence>;

struct Claim {
  std::string_view id;
  std::string_view says;        // the claim, in a sentence
  std::string_view experiment;  // what is done to test it, in a sentence or two
  std::vector<Need> needs = {};
  std::vector<ExperimentRequest> runs = {};
  /// In the place of `runs`, where they depend on what is installed here.
  std::vector<ExperimentRequest> (*runs_here)(const Parts& parts) = nullptr;
  Judgement (*judge)(const Findings& findings) = nullptr;
  std::string_view truth;      // the statement that is true, without figures of one machine
  std::string_view mechanism;  // in the C library or the kernel, by its names in their sources
  std::string_view see_it;     // the command lines with which a user sees it on their own process
};

struct Question {
  int number = 0;
  std::string_view title;
  std::string_view answer;  // in a few sentences, for docs/claims.md
  std::vector<Claim> claims;
};

}  // namespace heapwise

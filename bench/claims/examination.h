// A claim tested on this machine: its experiments run, its verdict computed from what they told.
#pragma once

#include "bench/claims/claim.h"
#include "bench/core/units.h"

namespace heapwise {

struct Row {
  const Claim* claim = nullptr;
  Judgement judgement;
  std::vector<ExperimentRequest> requests;  // of the runs that were made, findings in their order
  Findings findings;  // fewer than the claim's runs where one could not be made
  Nanoseconds took;
  bool broke = false;  // an experiment did not come to its end: not testable, and a failure
};

/// Runs the claim's experiments unless a need is not met here. Never throws for what an experiment
/// does: that is a row which says so.
Row examine(const Claim& claim, const Conditions& here, ExperimentRunner& runner);

/// As in claims.json; results/schema.json has the fields.
Json to_json(const Row& row);

}  // namespace heapwise

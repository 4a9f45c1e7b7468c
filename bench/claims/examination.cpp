#include "bench/claims/examination.h"

#include <fmt/format.h>

#include "bench/core/clock.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

/// The first unmet need's reason, or nothing.
std::string why_not(const Claim& claim, const Conditions& here) {
  for (const auto need : claim.needs) {
    if (const auto reason = here.why_not(need); !reason.empty()) return reason;
  }
  return "";
}

void run_and_judge(ExperimentRunner& runner, Row& row) {
  const auto& claim = *row.claim;
  for (const auto& request :
       claim.runs_here != nullptr ? claim.runs_here(runner.parts()) : claim.runs) {
    row.findings.push_back(runner.run(request));
    row.requests.push_back(request);
    if (const auto& refused = row.findings.back().refused; !refused.empty()) {
      row.judgement = not_testable(refused);
      return;
    }
  }
  row.judgement = claim.judge(row.findings);
}

}  // namespace

Row examine(const Claim& claim, const Conditions& here, ExperimentRunner& runner) {
  Row row{.claim = &claim};
  if (const auto reason = why_not(claim, here); !reason.empty()) {
    row.judgement = not_testable(reason);
    return row;
  }
  const auto begin = monotonic_now();
  try {
    run_and_judge(runner, row);
  } catch (const MissingEvidence& missing) {
    row.judgement = not_testable(missing.what());
    row.broke = true;
  } catch (const RunError& error) {
    row.judgement = not_testable(error.what());
  }
  row.took = monotonic_now() - begin;
  return row;
}

Json to_json(const Row& row) {
  Json json{{"id", row.claim->id},
            {"says", row.claim->says},
            {"experiment", row.claim->experiment},
            {"verdict", word_of(row.judgement.holds)},
            {"condition", row.judgement.condition},
            {"measured", row.judgement.measured},
            {"truth", row.claim->truth},
            {"mechanism", row.claim->mechanism},
            {"see_it", row.claim->see_it},
            {"took_ns", row.took.value},
            {"runs", Json::array()}};
  for (std::size_t i = 0; i < row.findings.size(); ++i) {
    auto run = to_json(row.findings[i]);
    const auto& request = row.requests[i];
    run["experiment"] = request.name;
    run["arguments"] = request.arguments;
    run["environment"] = request.environment;
    json["runs"].push_back(std::move(run));
  }
  return json;
}

}  // namespace heapwise

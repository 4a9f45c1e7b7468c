// manifest.json: the plan of a campaign and all it takes to judge and to continue it.
#pragma once

#include <string>
#include <vector>

#include "bench/core/units.h"
#include "bench/run/candidate.h"
#include "bench/run/plan.h"

namespace heapwise {

struct Manifest {
  std::string kind;  // bench or try
  std::uint64_t created_unix_ns = 0;
  std::vector<std::string> command_line;
  std::string profile;
  Nanoseconds time_budget;  // 0: none
  Bytes memory_limit;       // of each run; 0: none
  Plan plan;
  Json programs = Json::array();  // of the groups that run one, as bench/program reads them
};

Json to_json(const Manifest& manifest, const Candidates& candidates);

/// What a campaign is continued from. Throws RunError for another schema version or a file that is
/// not a manifest; `path` is for the message.
Manifest manifest_from_json(const Json& json, const std::string& path);

/// Throws RunError when a library is not the one the manifest was written with: a block on each
/// side of an upgrade would pass for one allocator.
void require_same_libraries(const Json& manifest, const Candidates& candidates);

/// The specs a plan needs, each once, in the order of their first appearance.
std::vector<Spec> specs_of(const Plan& plan);

}  // namespace heapwise

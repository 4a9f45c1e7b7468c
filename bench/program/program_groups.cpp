#include "bench/program/program_groups.h"

#include <algorithm>

#include "bench/program/program_runner.h"
#include "bench/run/groups.h"

namespace heapwise {
namespace {

/// Whose chunks the estimate can read.
constexpr const char* kShareAllocator = "glibc";

Json metrics_json(const std::vector<MetricPattern>& metrics) {
  Json json = Json::array();
  for (const auto& metric : metrics) {
    json.push_back({{"name", metric.name},
                    {"pattern", metric.pattern},
                    {"better", metric.higher_is_better ? "higher" : "lower"}});
  }
  return json;
}

}  // namespace

std::vector<Group> make_program_groups(const ProgramDescription& program, const ProgramPlan& plan) {
  Group compared{.workload = plan.workload,
                 .parameters = {{"command", program.title}},
                 .threads = 1,
                 .pass = "command",
                 .blocks = plan.blocks,
                 .purpose = Purpose::kCommand,
                 .baseline = choose_baseline(plan.allocators),
                 .allocators = {},
                 .metrics = metrics_json(program.metrics)};
  for (const auto& spec : plan.allocators) compared.allocators.push_back(spec.text());
  for (const auto& text : program.allocators) {
    if (std::ranges::count(compared.allocators, text) == 0) compared.allocators.push_back(text);
  }
  auto share = compared;
  share.pass = kMallocSharePass;
  share.blocks = 1;
  share.baseline = kShareAllocator;
  share.allocators = {kShareAllocator};
  share.metrics = Json::array();
  return {compared, share};
}

}  // namespace heapwise

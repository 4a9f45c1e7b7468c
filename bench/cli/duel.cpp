#include "bench/cli/duel.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "bench/core/clock.h"
#include "bench/run/environment.h"
#include "bench/run/groups.h"
#include "bench/run/memory_check.h"
#include "bench/run/profile.h"
#include "bench/run/run_error.h"
#include "bench/run/trial.h"
#include "bench/run/worker_runner.h"

namespace heapwise {
namespace {

/// What a cell's groups have in common.
std::string cell_of(const Group& group) {
  auto parameters = group.parameters;
  parameters.erase("operations");  // the passes over a cell differ in their length
  return group.workload + parameters.dump();
}

/// The group of a cell whose figures are noisy: all time that is left over goes into it.
bool is_noisy(const Group& group) {
  return group.slicing || group.pass == "throughput";
}

/// Of a block of each group.
using Costs = std::vector<Nanoseconds>;

Costs run_trials(Plan& plan, PairRunner& runner, Interrupt& interrupt) {
  ProgressReporter progress(standard_error_sink());
  Costs costs;
  for (auto& group : plan.groups) {
    if (interrupt.requested()) throw RunError("interrupted before anything was compared");
    progress.update({.runs_done = costs.size(),
                     .runs_planned = plan.groups.size(),
                     .left = {},
                     .doing = "trial: " + group.title() + " " + group.pass});
    costs.push_back(run_trial(group, plan.seed, runner));
  }
  progress.finish();
  return costs;
}

/// Spreads the time over the cells; a cell's noisy group gets what its others leave over.
void fill(Plan& plan, const Costs& costs, Nanoseconds time) {
  std::map<std::string, Nanoseconds> fixed;
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    auto& cell = fixed[cell_of(plan.groups[i])];
    if (!is_noisy(plan.groups[i])) cell.value += plan.groups[i].blocks * costs[i].value;
  }
  const auto share = time.value / fixed.size();
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    auto& group = plan.groups[i];
    const auto spent = fixed.at(cell_of(group)).value;
    if (!is_noisy(group) || costs[i].value == 0 || spent >= share) continue;
    const auto fitting = (share - spent) / costs[i].value;
    group.blocks = std::max(group.blocks, static_cast<unsigned>(fitting));
  }
}

void set_pairs(Plan& plan, unsigned pairs) {
  for (auto& group : plan.groups) {
    if (is_noisy(group)) group.blocks = pairs;
  }
}

std::size_t cells_count(const Plan& plan) {
  return static_cast<std::size_t>(std::ranges::count_if(plan.groups, is_noisy));
}

}  // namespace

PreparedCampaign prepare_duel(const DuelRequest& request, const std::string& out,
                              const Parts& parts, Interrupt& interrupt) {
  const auto begun = monotonic_now();
  Manifest manifest{.kind = request.kind,
                    .created_unix_ns = read_clock(CLOCK_REALTIME).value,
                    .command_line = request.command_line,
                    .profile = request.profile};
  auto& plan = manifest.plan;
  plan.seed = request.seed;
  plan.groups = make_duel_groups(find_profile(request.profile), request.workloads,
                                 request.baseline.text(), request.candidate.text());
  validate(plan);
  manifest.time_budget = request.time_budget;
  auto candidates = resolve_candidates(specs_of(plan), parts);
  require_memory(largest_cell(plan), available_memory());
  verify_settings(candidates, parts, {}, interrupt);
  for (const auto& [text, candidate] : candidates) {
    if (candidate.excluded) {
      throw UsageError("'" + text + "' cannot be compared: " + candidate.exclusion_detail);
    }
  }
  touch_memory(largest_cell(plan), available_memory());
  WorkerRunner runner(parts, candidates, interrupt);
  const auto costs = run_trials(plan, runner, interrupt);
  const auto spent = monotonic_now() - begun;
  const bool bounded = request.time_budget.value != 0;
  const auto time = bounded ? request.time_budget
                            : Nanoseconds{spent.value + cells_count(plan) * kTimeOfCell.value};
  if (request.pairs != 0) {
    set_pairs(plan, request.pairs);
  } else if (spent < time) {
    fill(plan, costs, time - spent);
  }
  auto prepared = prepare_new(std::move(manifest), out, parts);
  prepared.spent = spent;
  prepared.block_costs = costs;
  return prepared;
}

std::vector<Spec> parse_workloads(const std::vector<std::string>& texts) {
  std::vector<Spec> specs;
  for (const auto& text : texts) {
    for (auto& spec : parse_specs(text)) specs.push_back(std::move(spec));
  }
  return specs;
}

void require_alike(const std::string& baseline, const std::string& candidate) {
  for (const auto& side : {baseline, candidate}) {
    const bool is_path = side.find('/') != std::string::npos && side.find('=') == std::string::npos;
    if (!is_path || std::filesystem::is_directory(side)) continue;
    throw UsageError("'" + side +
                     "' is no folder; name one that heapwise bench wrote, or, for a "
                     "library, give it a name: mine=" +
                     side);
  }
  const bool is_folder = std::filesystem::is_directory(baseline);
  if (is_folder == std::filesystem::is_directory(candidate)) return;
  throw UsageError(fmt::format("'{}' is a folder and '{}' is none; name two folders, or two specs",
                               is_folder ? baseline : candidate, is_folder ? candidate : baseline));
}

Shortage shortage_of(const PreparedCampaign& duel, const CampaignResult& result, unsigned least) {
  Shortage shortage;
  for (std::size_t i = 0; i < result.groups.size(); ++i) {
    const auto wanted = std::min(least, duel.manifest.plan.groups[i].blocks);
    const auto& group = result.groups[i];
    if (group.complete_blocks >= wanted) continue;
    const auto cost =
        group.block.value != 0 || duel.block_costs.empty() ? group.block : duel.block_costs[i];
    ++shortage.groups;
    shortage.time.value += (wanted - group.complete_blocks) * cost.value;
  }
  return shortage;
}

std::string inconclusive_words(const Shortage& shortage, const std::string& go_on) {
  const auto time = shortage.time.value == 0 ? "" : ", about " + format_duration(shortage.time);
  return fmt::format(
      "Inconclusive: {} measurements have fewer blocks than a verdict takes{} more. {}",
      shortage.groups, time, go_on);
}

}  // namespace heapwise

#include "bench/run/groups.h"

#include <algorithm>
#include <span>

#include "bench/core/pass.h"
#include "workloads/parameters_json.h"
#include "workloads/workload.h"

namespace heapwise {
namespace {

constexpr std::string_view kOperations = "operations";
const char* const kGlibc = "glibc";
const char* const kNullAllocator = "null";

// Of a comparison of two. With 8 blocks p can fall to .0078, and an effect in one metric alone
// would be lost among a table of seven; with 12 it stands out among a hundred. Counts of system
// calls repeat: a quarter of the operations shows them.
constexpr unsigned kDuelBlocks = 12;
constexpr PassBlocks kAlone[]{{kLockstep, kDuelBlocks}, {"system_calls", kDuelBlocks, 4}};
constexpr PassBlocks kThreaded[]{
    {"throughput", kDuelBlocks}, {"memory", kDuelBlocks}, {"system_calls", kDuelBlocks, 4}};

Group make_group(const Spec& spec, const PassBlocks& pass) {
  auto parameters = resolve_parameters(spec);
  if (const auto found = parameters.find(kOperations); found != parameters.end()) {
    found->second = std::max<std::uint64_t>(1, found->second / pass.operations_divisor);
  }
  const auto& workload = *find_workload(spec.name);
  return {.workload = spec.name,
          .parameters = to_json<Json>(workload, parameters),
          .threads = workload.threads(parameters),
          .pass = std::string(pass.pass),
          .blocks = pass.blocks};
}

struct Row {
  Spec workload;
  std::vector<PassBlocks> passes;
};

Row to_row(const ProfileRow& row) {
  return {parse_spec(row.workload), {row.passes.begin(), row.passes.end()}};
}

/// The profile's passes on call that fit a workload, those that time it only where that says
/// something.
std::vector<PassBlocks> fitting_passes(const Profile& profile, const Spec& chosen) {
  const auto& workload = *find_workload(chosen.name);
  std::vector<PassBlocks> passes;
  for (const auto& blocks : profile.on_call) {
    const auto& pass = *find_pass(blocks.pass);
    if (workload.only_memory && (pass.times_slices || pass.heap == HeapKind::kTimed)) continue;
    if (why_not(workload, pass).empty()) passes.push_back(blocks);
  }
  return passes;
}

/// The rows that a chosen workload stands for.
std::vector<Row> rows_for(const Profile& profile, const Spec& chosen) {
  resolve_parameters(chosen);  // throws when there is no such workload or parameter
  std::vector<Row> same;
  for (const auto& row : profile.rows) {
    if (parse_spec(row.workload).name == chosen.name) same.push_back(to_row(row));
  }
  if (same.empty()) return {{chosen, fitting_passes(profile, chosen)}};
  if (chosen.settings.empty()) return same;
  Row row{chosen, same.front().passes};
  const auto* operations = same.front().workload.find(kOperations);
  if (operations != nullptr && chosen.find(kOperations) == nullptr) {
    row.workload.settings.push_back({std::string(kOperations), *operations});
  }
  return {row};
}

std::vector<Row> choose_rows(const Profile& profile, const std::vector<Spec>& workloads) {
  std::vector<Row> rows;
  if (workloads.empty()) {
    for (const auto& row : profile.rows) rows.push_back(to_row(row));
  }
  for (const auto& workload : workloads) {
    const auto chosen = rows_for(profile, workload);
    rows.insert(rows.end(), chosen.begin(), chosen.end());
  }
  return rows;
}

void require_passes(const std::vector<std::string>& chosen) {
  const auto names = pass_names();
  for (const auto& name : chosen) {
    if (std::ranges::count(names, name) > 0) continue;
    std::string known;
    for (const auto& pass : names) known += (known.empty() ? "" : ", ") + pass;
    throw UsageError("there is no pass '" + name + "'" + did_you_mean(name, names) + "; choose " +
                     known);
  }
}

bool has_pass(const Row& row, std::string_view pass) {
  return std::ranges::any_of(row.passes, [&](const auto& blocks) { return blocks.pass == pass; });
}

/// Brings the rows the chosen passes that they do not have, and takes the others from the groups
/// later: see keep_passes.
void add_passes(const Profile& profile, const std::vector<std::string>& chosen,
                std::vector<Row>& rows) {
  for (auto& row : rows) {
    for (const auto& blocks : profile.on_call) {
      const auto& workload = *find_workload(row.workload.name);
      if (std::ranges::count(chosen, blocks.pass) > 0 && !has_pass(row, blocks.pass) &&
          why_not(workload, *find_pass(blocks.pass)).empty()) {
        row.passes.push_back(blocks);
      }
    }
  }
}

void keep_passes(const std::vector<std::string>& chosen, const std::vector<Row>& rows,
                 std::vector<Group>& groups) {
  if (chosen.empty()) return;
  std::erase_if(groups,
                [&](const Group& group) { return !std::ranges::count(chosen, group.pass); });
  if (!groups.empty()) return;
  const auto& workload = *find_workload(rows.front().workload.name);
  throw UsageError("nothing is left to measure in pass " + chosen.front() + ": " +
                   std::string(workload.name) + " cannot have it, because " +
                   why_not(workload, *find_pass(chosen.front())));
}

std::vector<std::string> texts(const std::vector<Spec>& specs) {
  std::vector<std::string> out;
  for (const auto& spec : specs) out.push_back(spec.text());
  return out;
}

void add_sweep(const Sweep& sweep, std::vector<Group>& groups) {
  const std::vector<std::string> specs(sweep.specs.begin(), sweep.specs.end());
  for (const auto& pass : sweep.passes) {
    auto group = make_group(parse_spec(sweep.workload), pass);
    group.purpose = Purpose::kSweep;
    group.baseline = specs.front();
    group.allocators = specs;
    groups.push_back(std::move(group));
  }
}

/// What a workload costs without an allocator: its loop, and what is timed of it call by call.
void add_own_cost(const Profile& profile, const Row& row, std::vector<Group>& groups) {
  for (const auto& blocks : profile.own_cost) {
    const bool is_loop = find_pass(blocks.pass)->times_slices;
    if (!is_loop && !has_pass(row, blocks.pass)) continue;
    auto group = make_group(row.workload, blocks);
    group.purpose = Purpose::kOwnCost;
    group.baseline = kNullAllocator;
    group.allocators = {kNullAllocator};
    groups.push_back(std::move(group));
  }
}

}  // namespace

std::vector<std::string> pass_names() {
  std::vector<std::string> names;
  for (const auto& pass : kPasses) {
    if (pass.name != kLockstep) names.emplace_back(pass.name);
  }
  return names;
}

std::string choose_baseline(const std::vector<Spec>& allocators) {
  const auto all = texts(allocators);
  return std::ranges::count(all, kGlibc) > 0 ? kGlibc : all.at(0);
}

std::vector<Group> make_groups(const Profile& profile, const Selection& selection) {
  std::vector<Group> groups;
  require_passes(selection.passes);
  auto rows = choose_rows(profile, selection.workloads);
  add_passes(profile, selection.passes, rows);
  const auto baseline = choose_baseline(selection.allocators);
  for (const auto& row : rows) {
    for (const auto& pass : row.passes) {
      auto group = make_group(row.workload, pass);
      group.baseline = baseline;
      group.allocators = texts(selection.allocators);
      groups.push_back(std::move(group));
    }
  }
  for (const auto& row : rows) add_own_cost(profile, row, groups);
  if (selection.workloads.empty() && baseline == kGlibc) {
    for (const auto& sweep : profile.sweeps) add_sweep(sweep, groups);
  }
  keep_passes(selection.passes, rows, groups);
  return groups;
}

std::vector<Group> make_duel_groups(const Profile& profile, const std::vector<Spec>& workloads,
                                    const std::string& baseline, const std::string& candidate) {
  std::vector<Group> groups;
  for (const auto& row : choose_rows(profile, workloads)) {
    const auto threads =
        find_workload(row.workload.name)->threads(resolve_parameters(row.workload));
    const auto passes = threads == 1 ? std::span<const PassBlocks>(kAlone) : kThreaded;
    for (const auto& pass : passes) {
      auto group = make_group(row.workload, pass);
      group.baseline = baseline;
      group.allocators = {baseline, candidate};
      if (group.pass == kLockstep) group.slicing.emplace();
      groups.push_back(std::move(group));
    }
  }
  return groups;
}

Bytes footprint_of(const Group& group) {
  const auto* workload = find_workload(group.workload);
  if (workload == nullptr) return {};
  return workload->footprint(parameters_from_json(group.workload, group.parameters));
}

}  // namespace heapwise

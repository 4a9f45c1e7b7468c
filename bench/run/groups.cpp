#include "bench/run/groups.h"

#include <algorithm>
#include <span>

#include "bench/core/pass.h"
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
  Json json = Json::object();
  for (const auto& [key, value] : parameters) json[key] = value;
  return {.workload = spec.name,
          .parameters = json,
          .threads = find_workload(spec.name)->threads(parameters),
          .pass = std::string(pass.pass),
          .blocks = pass.blocks};
}

struct Row {
  Spec workload;
  std::span<const PassBlocks> passes;
};

/// The rows that a chosen workload stands for.
std::vector<Row> rows_for(const Profile& profile, const Spec& chosen) {
  resolve_parameters(chosen);  // throws when there is no such workload or parameter
  std::vector<Row> same;
  for (const auto& row : profile.rows) {
    auto spec = parse_spec(row.workload);
    if (spec.name == chosen.name) same.push_back({std::move(spec), row.passes});
  }
  if (chosen.settings.empty() && !same.empty()) return same;
  Row row{chosen, same.empty() ? profile.rows.front().passes : same.front().passes};
  const auto* operations = same.empty() ? nullptr : same.front().workload.find(kOperations);
  if (operations != nullptr && chosen.find(kOperations) == nullptr) {
    row.workload.settings.push_back({std::string(kOperations), *operations});
  }
  return {row};
}

std::vector<Row> choose_rows(const Profile& profile, const std::vector<Spec>& workloads) {
  std::vector<Row> rows;
  if (workloads.empty()) {
    for (const auto& row : profile.rows) rows.push_back({parse_spec(row.workload), row.passes});
  }
  for (const auto& workload : workloads) {
    const auto chosen = rows_for(profile, workload);
    rows.insert(rows.end(), chosen.begin(), chosen.end());
  }
  return rows;
}

std::vector<std::string> texts(const std::vector<Spec>& specs) {
  std::vector<std::string> out;
  for (const auto& spec : specs) out.push_back(spec.text());
  return out;
}

void add_sweep(const Profile& profile, std::vector<Group>& groups) {
  const std::vector<std::string> specs(profile.sweep.begin(), profile.sweep.end());
  for (const auto& pass : profile.sweep_passes) {
    auto group = make_group(parse_spec(profile.sweep_workload), pass);
    group.purpose = Purpose::kSweep;
    group.baseline = specs.front();
    group.allocators = specs;
    groups.push_back(std::move(group));
  }
}

}  // namespace

std::string choose_baseline(const std::vector<Spec>& allocators) {
  const auto all = texts(allocators);
  return std::ranges::count(all, kGlibc) > 0 ? kGlibc : all.at(0);
}

std::vector<Group> make_groups(const Profile& profile, const Selection& selection) {
  std::vector<Group> groups;
  const auto rows = choose_rows(profile, selection.workloads);
  const auto baseline = choose_baseline(selection.allocators);
  for (const auto& row : rows) {
    for (const auto& pass : row.passes) {
      auto group = make_group(row.workload, pass);
      group.baseline = baseline;
      group.allocators = texts(selection.allocators);
      groups.push_back(std::move(group));
    }
  }
  for (const auto& row : rows) {
    for (const auto& pass : profile.own_cost) {
      auto group = make_group(row.workload, pass);
      group.purpose = Purpose::kOwnCost;
      group.baseline = kNullAllocator;
      group.allocators = {kNullAllocator};
      groups.push_back(std::move(group));
    }
  }
  if (selection.workloads.empty() && baseline == kGlibc) add_sweep(profile, groups);
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
  Parameters parameters;
  for (const auto& [key, value] : group.parameters.items()) parameters[key] = value;
  return workload->footprint(parameters);
}

}  // namespace heapwise

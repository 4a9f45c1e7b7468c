#include "bench/run/cell.h"

#include "bench/core/units.h"
#include "bench/run/run_error.h"
#include "workloads/parameters_json.h"
#include "workloads/workload.h"

namespace heapwise {
namespace {

constexpr std::array<std::string_view, 4> kPurposeNames{"comparison", "sweep", "own_cost",
                                                        "command"};

Purpose purpose_from_name(const std::string& name) {
  for (std::size_t i = 0; i < kPurposeNames.size(); ++i) {
    if (kPurposeNames[i] == name) return static_cast<Purpose>(i);
  }
  throw RunError("the plan holds a group of the unknown purpose '" + name +
                 "'; it was written by another version of heapwise: start a new campaign");
}

Slicing slicing_from_json(const Json& json) {
  return {.slices_count = json.at("slices_count"),
          .batches_per_slice = json.at("batches_per_slice"),
          .lead_in_batches = json.at("lead_in_batches")};
}

}  // namespace

std::string_view purpose_name(Purpose purpose) {
  return kPurposeNames[static_cast<std::size_t>(purpose)];
}

std::string Group::title() const {
  if (purpose == Purpose::kCommand) return parameters.at("command");
  Spec spec{.name = workload};
  const auto* descriptor = find_workload(workload);
  if (descriptor == nullptr) return workload;
  for (const auto& parameter : descriptor->parameters) {
    const std::string key(parameter.key);
    // The passes over a cell differ in their length, which is not what is measured.
    if (key == "operations" || !parameters.contains(key)) continue;
    const auto& value = parameters.at(key);
    if (value == to_json<Json>(parameter, parameter.default_value)) continue;
    spec.settings.push_back({key, spec_text(value)});
  }
  return spec.text();
}

Json to_json(const Slicing& slicing) {
  return {{"slices_count", slicing.slices_count},
          {"batches_per_slice", slicing.batches_per_slice},
          {"lead_in_batches", slicing.lead_in_batches}};
}

Json to_json(const Cell& cell) {
  return {{"workload", cell.workload},
          {"parameters", cell.parameters},
          {"allocator", cell.allocator},
          {"threads", cell.threads},
          {"pass", cell.pass}};
}

Json to_json(const Group& group) {
  Json json{{"title", group.title()},
            {"workload", group.workload},
            {"parameters", group.parameters},
            {"threads", group.threads},
            {"pass", group.pass},
            {"blocks", group.blocks},
            {"purpose", purpose_name(group.purpose)},
            {"baseline", group.baseline},
            {"allocators", group.allocators}};
  if (!group.metrics.empty()) json["metrics"] = group.metrics;
  if (group.slicing) json["slicing"] = to_json(*group.slicing);
  if (group.comparison_blocks != 0) json["comparison_blocks"] = group.comparison_blocks;
  if (group.injection) json["injection"] = to_json(*group.injection);
  return json;
}

Cell cell_from_json(const Json& json) {
  return {.workload = json.at("workload"),
          .parameters = json.at("parameters"),
          .allocator = json.at("allocator"),
          .threads = json.at("threads"),
          .pass = json.at("pass")};
}

Group group_from_json(const Json& json) {
  Group group{.workload = json.at("workload"),
              .parameters = json.at("parameters"),
              .threads = json.at("threads"),
              .pass = json.at("pass"),
              .blocks = json.at("blocks"),
              .purpose = purpose_from_name(json.at("purpose")),
              .baseline = json.at("baseline"),
              .allocators = json.at("allocators").get<std::vector<std::string>>(),
              .metrics = json.value("metrics", Json::array()),
              .comparison_blocks = json.value("comparison_blocks", 0U)};
  if (json.contains("slicing")) group.slicing = slicing_from_json(json["slicing"]);
  if (json.contains("injection")) group.injection = injection_from_json(json["injection"]);
  return group;
}

}  // namespace heapwise

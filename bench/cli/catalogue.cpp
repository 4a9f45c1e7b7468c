#include "bench/cli/catalogue.h"

#include <algorithm>
#include <span>

#include "allocators/allocator.h"
#include "bench/program/app_catalogue.h"
#include "bench/run/groups.h"
#include "bench/run/profile.h"
#include "workloads/parameters_json.h"
#include "workloads/workload.h"

namespace heapwise {
namespace {

constexpr const char* kNamed[]{"allocators", "workloads", "apps"};

std::vector<std::string> words(std::span<const std::string_view> choices) {
  return {choices.begin(), choices.end()};
}

Json setting_json(const Setting& setting) {
  Json json{{"key", setting.key}, {"unit", unit_name(setting.unit)}, {"help", setting.help}};
  if (setting.choices.empty()) {
    json["minimum"] = setting.minimum;
    json["maximum"] = setting.maximum;
  } else {
    json["choices"] = words(setting.choices);
  }
  return json;
}

Json allocator_json(const AllocatorDescriptor& descriptor, const Parts& parts) {
  const auto resolved = resolve_allocator({.name = std::string(descriptor.name)}, parts.directory);
  Json settings = Json::array();
  for (const auto& setting : descriptor.settings) settings.push_back(setting_json(setting));
  return {{"name", descriptor.name},
          {"summary", descriptor.summary},
          {"library_path", resolved.library_path},
          {"version", resolved.package_version},
          {"build_id", resolved.build_id},
          {"package", descriptor.package},
          {"missing", resolved.missing},
          {"settings", settings}};
}

std::vector<std::string> passes_of(const WorkloadDescriptor& workload) {
  auto names = pass_names();
  std::erase_if(
      names, [&](const std::string& name) { return !why_not(workload, *find_pass(name)).empty(); });
  return names;
}

const char* unit_of(const ParameterDescriptor& parameter) {
  switch (parameter.unit) {
    case ParameterUnit::kBytes:
      return "bytes";
    case ParameterUnit::kCount:
      return "count";
    case ParameterUnit::kChoice:
      return "choice";
  }
  return "";
}

Json parameter_json(const ParameterDescriptor& parameter) {
  Json json{{"key", parameter.key},
            {"unit", unit_of(parameter)},
            {"default", to_json<Json>(parameter, parameter.default_value)},
            {"help", parameter.help}};
  if (parameter.choices.empty()) {
    json["minimum"] = parameter.minimum;
    json["maximum"] = parameter.maximum;
  } else {
    json["choices"] = words(parameter.choices);
  }
  return json;
}

Json workload_json(const WorkloadDescriptor& workload) {
  Json parameters = Json::array();
  for (const auto& parameter : workload.parameters) parameters.push_back(parameter_json(parameter));
  return {{"name", workload.name},         {"family", family_name(workload.family)},
          {"models", workload.models},     {"does_not_model", workload.does_not_model},
          {"passes", passes_of(workload)}, {"parameters", parameters}};
}

Json app_json(const ProgramDescription& app) {
  const auto missing = missing_programs(app);
  return {{"name", workload_name(app)},
          {"models", app.models},
          {"packages", app.packages},
          {"missing", missing.empty() ? "" : missing_words(app, missing)}};
}

Json profile_json(const Profile& profile) {
  Json rows = Json::array();
  for (const auto& row : profile.rows) {
    Json passes = Json::array();
    for (const auto& blocks : row.passes) passes.push_back(blocks.pass);
    rows.push_back({{"workload", row.workload}, {"passes", passes}});
  }
  return {{"name", profile.name}, {"summary", profile.summary}, {"rows", rows}};
}

void require_known(const std::vector<std::string>& names, const Json& catalogue) {
  std::vector<std::string> known;
  for (const char* section : kNamed) {
    for (const auto& one : catalogue[section]) known.push_back(one["name"]);
  }
  for (const auto& name : names) {
    if (std::ranges::count(known, name) > 0) continue;
    throw UsageError("there is no workload, allocator or app '" + name + "'" +
                     did_you_mean(name, known) + "; `heapwise list` shows all");
  }
}

template <class Predicate>
void keep_if(Json& array, Predicate is_kept) {
  Json kept = Json::array();
  std::ranges::copy_if(array, std::back_inserter(kept), is_kept);
  array = std::move(kept);
}

}  // namespace

Json make_catalogue(const Parts& parts) {
  Json json{{"allocators", Json::array()},
            {"workloads", Json::array()},
            {"apps", Json::array()},
            {"profiles", Json::array()}};
  for (const auto& descriptor : all_descriptors()) {
    if (!descriptor.harness_own) json["allocators"].push_back(allocator_json(descriptor, parts));
  }
  for (const auto* workload : all_workloads()) {
    json["workloads"].push_back(workload_json(*workload));
  }
  for (const auto& app : read_apps(parts.apps)) json["apps"].push_back(app_json(app));
  for (const auto& profile : all_profiles()) json["profiles"].push_back(profile_json(profile));
  return json;
}

void keep_named(const std::vector<std::string>& names, Json& catalogue) {
  require_known(names, catalogue);
  const auto is_named = [&](const std::string& name) {
    return std::ranges::count(names, name) > 0;
  };
  for (const char* section : kNamed) {
    keep_if(catalogue[section], [&](const Json& one) { return is_named(one["name"]); });
  }
  for (auto& profile : catalogue["profiles"]) {
    keep_if(profile["rows"], [&](const Json& row) {
      return is_named(parse_spec(row["workload"].get<std::string>()).name);
    });
  }
}

std::vector<std::string> usual_passes() {
  return passes_of({});
}

}  // namespace heapwise

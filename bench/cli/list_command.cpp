// `heapwise list`: what can be measured here, and what is missing for the rest.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <sstream>

#include "allocators/allocator.h"
#include "bench/cli/command_line.h"
#include "bench/cli/terminal.h"
#include "bench/program/app_catalogue.h"
#include "bench/run/json.h"
#include "bench/run/parts.h"
#include "workloads/workload.h"

namespace heapwise {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  heapwise list            for people\n"
    "  heapwise list --json     for programs: {\"allocators\": [...], \"workloads\": [...], "
    "\"apps\": [...]}";

Json setting_json(const Setting& setting) {
  Json json{{"key", setting.key}, {"unit", unit_name(setting.unit)}, {"help", setting.help}};
  if (setting.choices.empty()) {
    json["minimum"] = setting.minimum;
    json["maximum"] = setting.maximum;
  } else {
    json["choices"] = std::vector<std::string>(setting.choices.begin(), setting.choices.end());
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

Json workload_json(const WorkloadDescriptor& workload) {
  Json parameters = Json::array();
  for (const auto& parameter : workload.parameters) {
    parameters.push_back({{"key", parameter.key},
                          {"unit", parameter.unit == ParameterUnit::kBytes ? "bytes" : "count"},
                          {"default", parameter.default_value},
                          {"minimum", parameter.minimum},
                          {"maximum", parameter.maximum},
                          {"help", parameter.help}});
  }
  return {{"name", workload.name},
          {"models", workload.models},
          {"does_not_model", workload.does_not_model},
          {"parameters", parameters}};
}

Json app_json(const ProgramDescription& app) {
  const auto missing = missing_programs(app);
  return {{"name", workload_name(app)},
          {"models", app.models},
          {"packages", app.packages},
          {"missing", missing.empty() ? "" : missing_words(app, missing)}};
}

Json catalogue(const Parts& parts) {
  Json json{{"allocators", Json::array()}, {"workloads", Json::array()}, {"apps", Json::array()}};
  for (const auto& descriptor : all_descriptors()) {
    if (!descriptor.harness_own) json["allocators"].push_back(allocator_json(descriptor, parts));
  }
  for (const auto* workload : all_workloads())
    json["workloads"].push_back(workload_json(*workload));
  for (const auto& app : read_apps(parts.apps)) json["apps"].push_back(app_json(app));
  return json;
}

std::string text(const Json& object, const char* key) {
  return object.at(key).get<std::string>();
}

/// The unit, or the words to choose from.
std::string values_of(const Json& setting) {
  if (!setting.contains("choices")) return text(setting, "unit");
  return fmt::format("{}", fmt::join(setting["choices"].get<std::vector<std::string>>(), "|"));
}

void print_heading(const char* heading) {
  const bool colour = uses_colour(STDOUT_FILENO);
  fmt::print("{}{}{}\n", colour ? "\033[1m" : "", heading, colour ? "\033[0m" : "");
}

void print_allocator(const Json& allocator) {
  const auto missing = text(allocator, "missing");
  const auto version = text(allocator, "version");
  fmt::print("  {:<14} {}\n", text(allocator, "name"), text(allocator, "summary"));
  if (missing.empty()) {
    fmt::print("  {:<14} {}{}\n", "", text(allocator, "library_path"),
               version.empty() ? "" : ", version " + version);
  } else {
    fmt::print("  {:<14} missing: {}\n", "", missing);
  }
  for (const auto& setting : allocator["settings"]) {
    fmt::print("  {:<14}   {:<24} {:<10} {}\n", "", text(setting, "key"), values_of(setting),
               text(setting, "help"));
  }
}

void print_workload(const Json& workload) {
  fmt::print("  {:<18} {}\n", text(workload, "name"), text(workload, "models"));
  fmt::print("  {:<18} not: {}\n", "", text(workload, "does_not_model"));
  for (const auto& parameter : workload["parameters"]) {
    fmt::print("  {:<18}   {:<12} {:<6} default {:<8} {}\n", "", text(parameter, "key"),
               text(parameter, "unit"), format_scaled(parameter["default"]),
               text(parameter, "help"));
  }
}

/// A text behind a label, in lines that fit a terminal.
void print_wrapped(const std::string& label, const std::string& sentence) {
  constexpr std::size_t kColumns = 90;
  std::istringstream words(sentence);
  std::string line;
  std::string head = label;
  const auto flush = [&] {
    fmt::print("  {:<22} {}\n", head, line);
    head.clear();
    line.clear();
  };
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + word.size() >= kColumns) flush();
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) flush();
}

void print_app(const Json& app) {
  const auto missing = text(app, "missing");
  print_wrapped(text(app, "name"), text(app, "models"));
  if (!missing.empty()) fmt::print("  {:<22} missing: {}\n", "", missing);
}

int run_list(bool as_json) {
  const auto json = catalogue(find_parts());
  if (as_json) {
    constexpr int kIndent = 2;
    fmt::print("{}\n", json.dump(kIndent));
    return kExitOk;
  }
  print_heading("Allocators");
  for (const auto& allocator : json["allocators"]) print_allocator(allocator);
  print_heading("\nWorkloads");
  for (const auto& workload : json["workloads"]) print_workload(workload);
  print_heading("\nReal programs (bench --workloads apps, or by their names)");
  for (const auto& app : json["apps"]) print_app(app);
  return kExitOk;
}

}  // namespace

Subcommand add_list(CLI::App& app) {
  auto* list = app.add_subcommand("list", "allocators, workloads and what each can be asked");
  list->footer(kFooter);
  auto as_json = std::make_shared<bool>(false);
  list->add_flag("--json", *as_json, "print JSON");
  return {list, [as_json](const CommandLine&) { return run_list(*as_json); }};
}

}  // namespace heapwise

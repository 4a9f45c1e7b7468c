#include "bench/run/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/run/environment.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;

Json allocator_json(const Candidate& candidate) {
  Json json{{"spec", candidate.spec_text()}, {"name", candidate.resolved.spec.name}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  add("library_path", candidate.resolved.library_path);
  add("build_id", candidate.resolved.build_id);
  add("version", candidate.resolved.package_version);
  add("package", candidate.package());
  return json;
}

}  // namespace

Json to_json(const Manifest& manifest, const Candidates& candidates) {
  Json allocators = Json::array();
  for (const auto& spec : specs_of(manifest.plan)) {
    allocators.push_back(allocator_json(candidates.at(spec.text())));
  }
  Json plan = Json::array();
  for (const auto& group : manifest.plan.groups) plan.push_back(to_json(group));
  const auto budget = static_cast<double>(manifest.time_budget.value) / kNanosecondsPerSecond;
  Json json{{"schema_version", kSchemaVersion},
            {"kind", manifest.kind},
            {"created_unix_ns", manifest.created_unix_ns},
            {"command_line", manifest.command_line},
            {"seed", manifest.plan.seed},
            {"profile", manifest.profile},
            {"time_budget_seconds", budget},
            {"memory_limit_bytes",
             manifest.memory_limit.value == 0 ? Json() : Json(manifest.memory_limit.value)},
            {"environment", read_environment()},
            {"allocators", allocators},
            {"plan", plan}};
  if (!manifest.programs.empty()) json["programs"] = manifest.programs;
  return json;
}

Manifest manifest_from_json(const Json& json, const std::string& path) {
  const auto version = json.is_object() ? json.value("schema_version", 0) : 0;
  if (version != kSchemaVersion) {
    throw RunError(
        fmt::format("'{}' has schema version {}, this heapwise continues version {} only; "
                    "start a new campaign with --out",
                    path, version, kSchemaVersion));
  }
  try {
    Manifest manifest{.kind = json.at("kind"),
                      .created_unix_ns = json.at("created_unix_ns"),
                      .command_line = json.at("command_line").get<std::vector<std::string>>(),
                      .profile = json.at("profile")};
    const double budget = json.at("time_budget_seconds");
    manifest.time_budget = {static_cast<std::uint64_t>(budget * kNanosecondsPerSecond)};
    if (const auto limit = json.find("memory_limit_bytes");
        limit != json.end() && !limit->is_null()) {
      manifest.memory_limit = {limit->get<std::uint64_t>()};
    }
    manifest.plan.seed = json.at("seed");
    for (const auto& group : json.at("plan"))
      manifest.plan.groups.push_back(group_from_json(group));
    manifest.programs = json.value("programs", Json::array());
    return manifest;
  } catch (const nlohmann::json::exception& error) {
    throw RunError(
        fmt::format("'{}' is not a manifest: {}; start a new campaign", path, error.what()));
  }
}

void require_same_libraries(const Json& manifest, const Candidates& candidates) {
  for (const auto& earlier : manifest.at("allocators")) {
    const auto found = candidates.find(earlier.value("spec", ""));
    if (found == candidates.end()) continue;
    const auto now = allocator_json(found->second);
    for (const char* key : {"library_path", "build_id"}) {
      if (earlier.value(key, "") == now.value(key, "")) continue;
      throw RunError(
          fmt::format("{} of {} was '{}' when the campaign began and is '{}' now; start a "
                      "new campaign",
                      key, found->first, earlier.value(key, ""), now.value(key, "")));
    }
  }
}

std::vector<Spec> specs_of(const Plan& plan) {
  std::vector<std::string> texts;
  std::vector<Spec> specs;
  for (const auto& group : plan.groups) {
    for (const auto& text : group.allocators) {
      if (std::ranges::count(texts, text) > 0) continue;
      texts.push_back(text);
      specs.push_back(parse_spec(text));
    }
  }
  return specs;
}

}  // namespace heapwise

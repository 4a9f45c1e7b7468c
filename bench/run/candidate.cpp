#include "bench/run/candidate.h"

#include <fmt/format.h>

#include "bench/run/child.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr Nanoseconds kVerifyTimeout{30'000'000'000};

Json settings_of(const ChildEnd& end) {
  const auto json = Json::parse(end.output, nullptr, false);
  return json.is_object() && json.contains("settings") ? json["settings"] : Json();
}

/// The library must load and the settings must hold in a fresh process like the measured ones.
void verify(Candidate& candidate, const Parts& parts, const std::vector<std::string>& keep,
            Interrupt& interrupt) {
  Child child({.launcher = parts.launcher,
               .launch_options = {},
               .command = {parts.worker, "--verify-settings", candidate.spec_text()},
               .environment = child_environment(candidate.resolved, {}, keep)});
  const auto end = child.finish(deadline_after(kVerifyTimeout), interrupt);
  const auto settings = settings_of(end);
  // A sibling that crashes or hangs proves nothing: the measured processes will show the same.
  if (settings.is_array()) candidate.settings = settings_from_json(nlohmann::json(settings));
  if (const auto found = contradicted_setting(candidate.identity())) {
    candidate.excluded = Status::kSettingContradicted;
    candidate.exclusion_detail = *found;
  }
}

}  // namespace

std::string Candidate::package() const {
  return resolved.descriptor == nullptr ? std::string() : std::string(resolved.descriptor->package);
}

Json Candidate::identity() const {
  Json settings_json = Json::array();
  for (const auto& report : settings) settings_json.push_back(Json(to_json(report)));
  return {{"library_path", resolved.library_path},
          {"build_id", resolved.build_id},
          {"version", resolved.package_version},
          {"version_source", resolved.package_version.empty() ? "none" : "package"},
          {"settings", settings_json}};
}

RunResult Candidate::excluded_result() const {
  return {.status = excluded.value(), .status_detail = exclusion_detail, .identity = identity()};
}

Candidates resolve_candidates(const std::vector<Spec>& specs, const Parts& parts) {
  Candidates candidates;
  for (const auto& spec : specs) {
    if (candidates.contains(spec.text())) continue;
    Candidate candidate{.resolved = resolve_allocator(spec, parts.directory)};
    if (!candidate.resolved.missing.empty()) {
      candidate.excluded = Status::kLibraryMissing;
      candidate.exclusion_detail = candidate.resolved.missing;
    }
    candidates.emplace(spec.text(), std::move(candidate));
  }
  return candidates;
}

void verify_settings(Candidates& candidates, const Parts& parts,
                     const std::vector<std::string>& keep, Interrupt& interrupt) {
  for (auto& [text, candidate] : candidates) {
    if (interrupt.requested()) return;
    if (candidate.excluded || candidate.resolved.spec.settings.empty()) continue;
    verify(candidate, parts, keep, interrupt);
  }
}

Json merge_settings(Json identity, const std::vector<SettingReport>& settings) {
  Json& own = identity["settings"];
  if (!own.is_array()) own = Json::array();
  for (const auto& report : settings) {
    bool present = false;
    for (auto& setting : own) {
      if (setting.value("key", "") != report.key) continue;
      present = true;
      if (setting.value("verdict", "") == "requested_only") setting = Json(to_json(report));
    }
    if (!present) own.push_back(Json(to_json(report)));
  }
  return identity;
}

std::optional<std::string> contradicted_setting(const Json& identity) {
  if (!identity.contains("settings")) return std::nullopt;
  for (const auto& setting : identity["settings"]) {
    if (setting.value("verdict", "") != "contradicted") continue;
    const auto text = [&](const char* key) {
      return setting[key].is_string() ? setting[key].get<std::string>() : setting[key].dump();
    };
    return fmt::format("{}={} was asked for, {} is in force (read by {})", text("key"),
                       text("requested"), text("read_back"), text("source"));
  }
  return std::nullopt;
}

}  // namespace heapwise

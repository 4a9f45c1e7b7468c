// Identities and settings as they cross process boundaries and are stored.
#include <array>
#include <stdexcept>
#include <utility>

#include "allocators/allocator.h"

namespace heapwise {
namespace {

constexpr std::array<std::pair<Verdict, const char*>, 3> kVerdicts{{
    {Verdict::kVerified, "verified"},
    {Verdict::kRequestedOnly, "requested_only"},
    {Verdict::kContradicted, "contradicted"},
}};

std::string verdict_name(Verdict verdict) {
  for (const auto& [value, name] : kVerdicts) {
    if (value == verdict) return name;
  }
  return "requested_only";
}

Verdict verdict_of(const std::string& text) {
  for (const auto& [value, name] : kVerdicts) {
    if (text == name) return value;
  }
  throw std::invalid_argument("'" + text + "' is no verdict on a setting");
}

}  // namespace

nlohmann::json to_json(const SettingReport& report) {
  return {{"key", report.key},
          {"requested", report.requested},
          {"read_back", report.read_back},
          {"source", report.source},
          {"verdict", verdict_name(report.verdict)}};
}

nlohmann::json to_json(const Identity& identity) {
  auto settings = nlohmann::json::array();
  for (const auto& report : identity.settings) settings.push_back(to_json(report));
  return {{"library_path", identity.library_path},
          {"build_id", identity.build_id},
          {"version", identity.version},
          {"version_source", identity.version_source},
          {"settings", std::move(settings)}};
}

std::vector<SettingReport> settings_from_json(const nlohmann::json& settings) {
  std::vector<SettingReport> reports;
  for (const auto& item : settings) {
    reports.push_back({.key = item.at("key"),
                       .requested = item.at("requested"),
                       .read_back = item.at("read_back"),
                       .source = item.at("source"),
                       .verdict = verdict_of(item.at("verdict"))});
  }
  return reports;
}

}  // namespace heapwise

#include "workloads/table.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace heapwise {

// clang-format off
extern const WorkloadDescriptor kFixedSize;
extern const WorkloadDescriptor kSmallChurn;
extern const WorkloadDescriptor kSizedDelete;
extern const WorkloadDescriptor kAligned;
extern const WorkloadDescriptor kLargeChurn;
extern const WorkloadDescriptor kCallocZeroing;
extern const WorkloadDescriptor kReallocGrowth;
extern const WorkloadDescriptor kDocumentTrees;
extern const WorkloadDescriptor kProducerConsumer;
extern const WorkloadDescriptor kAsymmetricFree;
extern const WorkloadDescriptor kLarson;
extern const WorkloadDescriptor kThreadChurn;
extern const WorkloadDescriptor kMigratingStress;
extern const WorkloadDescriptor kRequestBursts;
extern const WorkloadDescriptor kArenaRatchet;
extern const WorkloadDescriptor kMixedService;
extern const WorkloadDescriptor kFalseSharingActive;
extern const WorkloadDescriptor kFalseSharingPassive;
extern const WorkloadDescriptor kLocality;
extern const WorkloadDescriptor kFragmentationPlateau;
extern const WorkloadDescriptor kFragmentationLadder;
extern const WorkloadDescriptor kPinnedHoles;
extern const WorkloadDescriptor kPhaseShift;
extern const WorkloadDescriptor kHugeFootprint;
extern const WorkloadDescriptor kLongRunning;

namespace {

// By family, in the order in which `list` and the documents show them.
constexpr const WorkloadDescriptor* kTable[] = {
    // fast path
    &kFixedSize,
    &kSmallChurn,
    &kSizedDelete,
    &kAligned,
    &kLargeChurn,
    &kCallocZeroing,
    &kReallocGrowth,
    &kDocumentTrees,
    // servers
    &kProducerConsumer,
    &kAsymmetricFree,
    &kLarson,
    &kThreadChurn,
    &kMigratingStress,
    &kRequestBursts,
    &kArenaRatchet,
    &kMixedService,
    // long and large
    &kHugeFootprint,
    &kLongRunning,
    // memory
    &kFragmentationPlateau,
    &kFragmentationLadder,
    &kPinnedHoles,
    &kPhaseShift,
    // caches
    &kFalseSharingActive,
    &kFalseSharingPassive,
    &kLocality,
};
// clang-format on

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const auto* workload : kTable) names.emplace_back(workload->name);
  return names;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::vector<std::string> words_of(const ParameterDescriptor& parameter) {
  return {parameter.choices.begin(), parameter.choices.end()};
}

/// Nothing where the text is no value of the parameter's.
std::optional<std::uint64_t> parse_value(const ParameterDescriptor& parameter,
                                         const std::string& text) {
  auto value = parse_scaled(text);
  if (parameter.unit == ParameterUnit::kChoice) {
    value = std::ranges::find(parameter.choices, text) - parameter.choices.begin();
  }
  if (value && *value >= parameter.minimum && *value <= parameter.maximum) return value;
  return std::nullopt;
}

std::string allowed_values(const ParameterDescriptor& parameter) {
  if (parameter.unit == ParameterUnit::kChoice) return "one of " + joined(words_of(parameter));
  return "a whole number from " + format_scaled(parameter.minimum) + " to " +
         format_scaled(parameter.maximum) + ", K, M and G are powers of 1024";
}

std::uint64_t parse_parameter(const WorkloadDescriptor& workload,
                              const ParameterDescriptor& parameter, const std::string& text) {
  if (const auto value = parse_value(parameter, text)) return *value;
  throw UsageError("workload " + std::string(workload.name) + ": '" + text + "' is no value for " +
                   std::string(parameter.key) + " (" + std::string(parameter.help) + ")" +
                   did_you_mean(text, words_of(parameter)) + "; give " + allowed_values(parameter));
}

}  // namespace

std::span<const WorkloadDescriptor* const> all_workloads() {
  return kTable;
}

const WorkloadDescriptor* find_workload(std::string_view name) {
  for (const auto* workload : kTable) {
    if (workload->name == name) return workload;
  }
  return nullptr;
}

const ParameterDescriptor& find_parameter(const WorkloadDescriptor& workload,
                                          std::string_view key) {
  std::vector<std::string> keys;
  for (const auto& parameter : workload.parameters) {
    if (parameter.key == key) return parameter;
    keys.emplace_back(parameter.key);
  }
  throw UsageError("workload " + std::string(workload.name) + " has no parameter '" +
                   std::string(key) + "'" + did_you_mean(key, keys) + "; it has " + joined(keys));
}

Parameters resolve_parameters(const Spec& spec) {
  const auto* workload = find_workload(spec.name);
  if (workload == nullptr) {
    throw UsageError("there is no workload '" + spec.name + "'" +
                     did_you_mean(spec.name, workload_names()) +
                     "; `heapwise list` shows all with their parameters");
  }
  if (!spec.path.empty()) {
    throw UsageError("workload '" + spec.text() +
                     "': a workload has no path; write NAME:key=value");
  }
  Parameters parameters;
  for (const auto& parameter : workload->parameters) {
    parameters.emplace(parameter.key, parameter.default_value);
  }
  for (const auto& [key, text] : spec.settings) {
    parameters[key] = parse_parameter(*workload, find_parameter(*workload, key), text);
  }
  if (const auto why = workload->reject(parameters); !why.empty()) {
    throw UsageError("workload '" + spec.text() + "': " + why);
  }
  return parameters;
}

std::string_view family_name(Family family) {
  switch (family) {
    case Family::kFastPath:
      return "fast path";
    case Family::kServers:
      return "servers";
    case Family::kLongAndLarge:
      return "long and large";
    case Family::kMemory:
      return "memory";
    case Family::kCaches:
      return "caches";
  }
  return "";
}

unsigned single_thread(const Parameters&) {
  return 1;
}

unsigned threads_parameter(const Parameters& parameters) {
  return static_cast<unsigned>(parameters.at("threads"));
}

std::string reject_nothing(const Parameters&) {
  return {};
}

std::string why_not(const WorkloadDescriptor& workload, const Pass& pass) {
  if (pass.paces_requests && !workload.has_requests) return "it has no requests to arrive";
  if (pass.splits_fragmentation && !workload.shows_live_objects) {
    return "it does not show its live objects";
  }
  return {};
}

std::string reject_inverted_sizes(const Parameters& parameters) {
  const auto minimum = parameters.at("min");
  const auto maximum = parameters.at("max");
  if (minimum <= maximum) return {};
  return "min " + format_scaled(minimum) + " is above max " + format_scaled(maximum) +
         "; set both, min first";
}

}  // namespace heapwise

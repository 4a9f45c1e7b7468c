// Parameters as plans, records and the cell that a worker is handed have them: the word of a
// choice, the number of anything else. `Json` is either of the JSON library's types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "workloads/workload.h"

namespace heapwise {

template <class Json>
Json to_json(const ParameterDescriptor& parameter, std::uint64_t value) {
  if (parameter.unit == ParameterUnit::kChoice) return parameter.choices[value];
  return value;
}

template <class Json>
Json to_json(const WorkloadDescriptor& workload, const Parameters& parameters) {
  Json json = Json::object();
  for (const auto& [key, value] : parameters) {
    json[key] = to_json<Json>(find_parameter(workload, key), value);
  }
  return json;
}

/// A parameter's value as it is typed in a spec.
template <class Json>
std::string spec_text(const Json& value) {
  if (value.is_string()) return value.template get<std::string>();
  return format_scaled(value.template get<std::uint64_t>());
}

/// Throws UsageError as resolve_parameters does.
template <class Json>
Parameters parameters_from_json(std::string_view workload, const Json& json) {
  Spec spec{.name = std::string(workload)};
  for (const auto& [key, value] : json.items()) spec.settings.push_back({key, spec_text(value)});
  return resolve_parameters(spec);
}

}  // namespace heapwise

#include "bench/run/injection.h"

#include <fmt/format.h>

namespace heapwise {

Json to_json(const Injection& injection) {
  return {{"time_share", injection.time_share},
          {"faults_per_million", injection.faults_per_million},
          {"resident_bytes", injection.resident_bytes}};
}

Injection injection_from_json(const Json& json) {
  return {.time_share = json.at("time_share"),
          .faults_per_million = json.at("faults_per_million"),
          .resident_bytes = json.at("resident_bytes")};
}

std::vector<std::string> environment_of(const Injection& injection) {
  return {fmt::format("HEAPWISE_INJECT_TIME_SHARE={}", injection.time_share),
          fmt::format("HEAPWISE_INJECT_FAULTS_PER_MILLION={}", injection.faults_per_million),
          fmt::format("HEAPWISE_INJECT_RESIDENT_BYTES={}", injection.resident_bytes)};
}

}  // namespace heapwise

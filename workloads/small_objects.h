// The live sets of small objects that small_churn, aligned and sized_delete replace: parameters of
// the same meaning and defaults, so that their cells differ in nothing but the calls.
#pragma once

#include "workloads/random_replacement.h"
#include "workloads/workload.h"

namespace heapwise::small_objects {

// clang-format off
inline constexpr ParameterDescriptor kLive{
    "live", ParameterUnit::kCount, 10'000, 1, 100'000'000, "objects alive at any time"};
inline constexpr ParameterDescriptor kMin{
    "min", ParameterUnit::kBytes, 16, 1, 65'536, "smallest size"};
inline constexpr ParameterDescriptor kMax{
    "max", ParameterUnit::kBytes, 1024, 1, 65'536, "largest size"};
inline constexpr ParameterDescriptor kWarmUp{
    "warmup", ParameterUnit::kCount, 0, 0, 1'000'000'000,
    "operations before the region; 0: 2 x live"};
inline constexpr ParameterDescriptor kOperations{
    "operations", ParameterUnit::kCount, 4'000'000, 1, 1'000'000'000'000, "operations measured"};
// clang-format on

inline ReplacementPlan plan(const Parameters& parameters) {
  const auto live = parameters.at("live");
  const auto warm_up = parameters.at("warmup");
  return {.slots_count = live,
          .minimum_size = parameters.at("min"),
          .maximum_size = parameters.at("max"),
          .warm_up_operations = warm_up != 0 ? warm_up : 2 * live,
          .operations_per_batch = 2048,
          .touch = Touch::kFirstByte};
}

}  // namespace heapwise::small_objects

// What a calibration makes the candidate worse by, so that it is known what a comparison should
// find. Both sides of such a pair load libheapwise_inject.so; the baseline's dials stay at 0.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/run/json.h"

namespace heapwise {

struct Injection {
  double time_share = 0.0;           // of the time of the heap calls
  double faults_per_million = 0.0;   // minor faults in a million allocations
  std::uint64_t resident_bytes = 0;  // held from the region's begin on

  bool operator==(const Injection&) const = default;
};

Json to_json(const Injection& injection);
Injection injection_from_json(const Json& json);

/// The dials as the library reads them, KEY=VALUE.
std::vector<std::string> environment_of(const Injection& injection);

}  // namespace heapwise

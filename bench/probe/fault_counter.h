// Page faults and context switches of this process, by getrusage.
#pragma once

#include <cstdint>

namespace heapwise {

struct FaultCounts {
  std::uint64_t minor = 0;
  std::uint64_t major = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;

  FaultCounts operator-(const FaultCounts& earlier) const {
    return {minor - earlier.minor, major - earlier.major,
            voluntary_switches - earlier.voluntary_switches,
            involuntary_switches - earlier.involuntary_switches};
  }
};

/// Totals of all threads since the process began.
FaultCounts read_fault_counts();

}  // namespace heapwise

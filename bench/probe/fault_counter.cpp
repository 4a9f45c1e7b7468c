#include "bench/probe/fault_counter.h"

#include <sys/resource.h>

namespace heapwise {

FaultCounts read_fault_counts() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto count = [](long value) { return static_cast<std::uint64_t>(value); };
  return {count(usage.ru_minflt), count(usage.ru_majflt), count(usage.ru_nvcsw),
          count(usage.ru_nivcsw)};
}

}  // namespace heapwise

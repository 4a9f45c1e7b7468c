// What the process has used since it began: time, CPU time, faults, reading. Read without heap; the
// difference of two readings is what happened in between.
#pragma once

#include <cstdint>

namespace heapwise {

struct Usage {
  std::int64_t clock_ns = 0;  // CLOCK_MONOTONIC
  std::int64_t user_ns = 0;
  std::int64_t system_ns = 0;
  std::int64_t minor_faults_count = 0;
  std::int64_t major_faults_count = 0;
  std::int64_t read_bytes = 0;  // that storage had to give for it

  Usage operator-(const Usage& earlier) const;
};

/// By getrusage(2), of this process with all its threads.
Usage read_usage();

/// CLOCK_MONOTONIC alone.
std::int64_t monotonic_ns();

}  // namespace heapwise

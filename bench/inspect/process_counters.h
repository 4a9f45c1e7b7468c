// What the kernel counts of a process as it goes: cheap to read whatever its size (no page is
// looked at), so it is what a watch reads again and again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/core/units.h"

namespace heapwise {

struct ProcessCounters {
  Nanoseconds taken_at;  // CLOCK_MONOTONIC
  std::uint64_t threads_count = 0;
  std::uint64_t minor_faults_count = 0;  // since the process began, of all its threads
  std::uint64_t major_faults_count = 0;
  Nanoseconds user_cpu;  // to the clock tick, 10 ms as a rule
  Nanoseconds system_cpu;
  Bytes vsz;
  Bytes rss;
  Bytes rss_anonymous;  // part of rss: heap, stacks, what malloc and the program have mapped
  Bytes rss_files;
  Bytes rss_shared;
  Bytes swap;
  Bytes peak_rss;
};

/// From the texts of /proc/PID/stat and /proc/PID/status. Nothing where the process has ended, a
/// zombie included: it has no memory any more.
std::optional<ProcessCounters> parse_counters(const std::string& stat, const std::string& status,
                                              Nanoseconds taken_at);

/// What happened between two readings.
struct Rates {
  Nanoseconds sample;
  double minor_faults_per_second = 0;
  double major_faults_per_second = 0;
  double user_cpu_share = 0;  // of one CPU: 2.0 is two of them wholly
  double system_cpu_share = 0;
  std::int64_t rss_growth_bytes = 0;
  std::int64_t vsz_growth_bytes = 0;

  double cpu_share() const { return user_cpu_share + system_cpu_share; }
  /// The kernel's part of the CPU time; 0 where none was used.
  double system_part() const { return cpu_share() > 0 ? system_cpu_share / cpu_share() : 0; }
  double seconds() const;
};

/// Nothing where no time has passed.
std::optional<Rates> rates_between(const ProcessCounters& before, const ProcessCounters& after);

}  // namespace heapwise

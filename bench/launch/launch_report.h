// What heapwise-launch writes to its report descriptor, once, when the command has ended.
// One fixed-size record in host byte order: launcher and parent are always from the same build.
#pragma once

#include <cstdint>

namespace heapwise {

inline constexpr std::uint64_t kLaunchReportMagic = 0x31484e554c5748ULL;  // "HWLUNH1"

/// First argument of the prctl(2) calls with which a process marks the measured region for the
/// tracing launcher. The kernel refuses the unknown option with EINVAL: the call has no effect.
inline constexpr int kRegionBeginsMarker = 0x48570001;
inline constexpr int kRegionEndsMarker = 0x48570002;

struct LaunchReport {
  std::uint64_t magic;
  std::int32_t
      exec_errno;  // 0, or why the command could not be executed; nothing below is set then
  std::int32_t wait_status;  // as wait4(2) gives it
  std::int64_t command_pid;
  std::uint64_t started_unix_ns;
  std::uint64_t wall_ns;  // CLOCK_MONOTONIC from just before exec to the end of wait4
  std::uint64_t user_cpu_ns;
  std::uint64_t system_cpu_ns;
  std::uint64_t peak_rss_bytes;  // the largest process of the tree that was waited for
  std::uint64_t minor_faults_count;
  std::uint64_t major_faults_count;
  std::uint64_t voluntary_switches_count;
  std::uint64_t involuntary_switches_count;
  std::uint64_t region_seen;  // 1 when both markers were met; the counts below are valid only then
  std::uint64_t brk_count;
  std::uint64_t mmap_count;
  std::uint64_t munmap_count;
  std::uint64_t madvise_count;
  std::uint64_t mremap_count;
};

}  // namespace heapwise

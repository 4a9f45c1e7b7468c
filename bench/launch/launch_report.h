// What heapwise-launch writes to its report descriptor, once, when the command's tree has ended.
// One fixed-size record in host byte order: launcher and parent are always from the same build.
#pragma once

#include <cstdint>

namespace heapwise {

inline constexpr std::uint64_t kLaunchReportMagic = 0x32484e554c5748ULL;  // "HWLUNH2"

/// First argument of the prctl(2) calls with which a process marks the measured region for the
/// tracing launcher. The kernel refuses the unknown option with EINVAL: the call has no effect.
inline constexpr int kRegionBeginsMarker = 0x48570001;
inline constexpr int kRegionEndsMarker = 0x48570002;

struct LaunchReport {
  std::uint64_t magic;
  std::int32_t
      exec_errno;  // 0, or why the command could not be executed; nothing below is set then
  std::int32_t wait_status;  // the command's own, as wait4(2) gives it
  // Of the processes that the launcher reaped, which are the command and those whose parent had
  // ended: the last that ended by a signal, else the last of all. Once the launcher kills, only
  // crashes (SIGSEGV, SIGABRT and their like) still count. Where nothing counts: wait_status.
  std::int32_t tree_status;
  std::int32_t command_pid;
  std::uint64_t started_unix_ns;
  // CLOCK_MONOTONIC from just before exec until the command was waited for, or, with --whole-tree,
  // the last process of its tree. Without cleaning up.
  std::uint64_t wall_ns;
  // Of all processes of the tree that were waited for, by the launcher or by their parents. A
  // parent that ignores SIGCHLD waits for nobody: the kernel drops the usage of its children.
  std::uint64_t user_cpu_ns;
  std::uint64_t system_cpu_ns;
  std::uint64_t peak_rss_bytes;  // of the largest process
  std::uint64_t minor_faults_count;
  std::uint64_t major_faults_count;
  std::uint64_t voluntary_switches_count;
  std::uint64_t involuntary_switches_count;
  // Processes, zombies aside, that were there when the command ended by itself; they were killed.
  std::uint64_t leftover_processes_count;
  // Processes that did not go when they were killed, for want of permission or because something
  // holds them, and were left behind; their usage is missing above.
  std::uint64_t surviving_processes_count;
  std::uint64_t region_seen;  // 1 when both markers were met; the counts below are valid only then
  std::uint64_t brk_count;
  std::uint64_t mmap_count;
  std::uint64_t munmap_count;
  std::uint64_t madvise_count;
  std::uint64_t mremap_count;
};

}  // namespace heapwise

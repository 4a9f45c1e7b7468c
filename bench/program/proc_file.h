// Files under /proc of other processes. They may end at any moment: what cannot be read is empty.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace heapwise {

/// The whole text; empty when it cannot be read.
std::string read_proc_file(const std::string& path);

/// Of /proc/PID/stat (proc(5)). Times are in clock ticks; those of children count the ones that
/// were waited for.
struct ProcessStat {
  std::string name = {};  // at most 15 characters of it
  char state = '?';
  pid_t parent = 0;
  std::uint64_t flags = 0;  // PF_* of the kernel's linux/sched.h
  std::uint64_t minor_faults_count = 0;
  std::uint64_t children_minor_faults_count = 0;
  std::uint64_t major_faults_count = 0;
  std::uint64_t children_major_faults_count = 0;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::uint64_t children_user_ticks = 0;
  std::uint64_t children_system_ticks = 0;
  std::uint64_t threads_count = 0;
  std::uint64_t started_ticks = 0;  // after boot: tells a process from a later one of its number
};

/// Nothing where the text is cut short or is none of that kind.
std::optional<ProcessStat> parse_process_stat(const std::string& text);

/// Nothing when the process has ended.
std::optional<ProcessStat> read_process_stat(pid_t process);

}  // namespace heapwise

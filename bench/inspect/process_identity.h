// Which process is looked at, and why some cannot be. Every refusal says what to type instead.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "bench/inspect/process_files.h"

namespace heapwise {

struct ProcessIdentity {
  pid_t pid = 0;
  std::string name;        // at most 15 characters, as ps prints it
  std::string executable;  // its file; " (deleted)" behind it where the file has gone
  uid_t user = 0;
  std::string user_name;  // the number where it has none
  std::uint64_t started_ticks = 0;
};

/// The number of a process as it was typed. Throws UsageError for anything else.
pid_t parse_process_number(const std::string& text);

/// Of which process this is a thread: itself, unless the number is that of another thread than its
/// first. 0 where there is no such process.
pid_t process_of_thread(const ProcessFiles& files);

/// Throws RunError where there is no such process, it has ended, it is a thread of the kernel or
/// its memory may not be looked at. `own_user` is the effective user who asks.
ProcessIdentity identify(const ProcessFiles& files, uid_t own_user);

}  // namespace heapwise

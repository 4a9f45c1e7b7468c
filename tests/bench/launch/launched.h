// Runs a command through heapwise-launch as the suite does, and gives back all there is to see.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "bench/launch/launch_report.h"

namespace heapwise {

struct LaunchRequest {
  std::vector<std::string> options = {};  // the launcher's, without --report-fd
  std::vector<std::string> command = {};
  std::vector<std::string> environment = {};  // "NAME=value", instead of the inherited one
  bool names_report = true;                   // false: --report-fd is left out
};

struct LaunchResult {
  int exit_code = -1;  // the launcher's; 128 + N where signal N ended it
  bool report_written = false;
  LaunchReport report = {};
  std::string output = {};  // standard output and error of launcher and command, in order

  bool exited_with(int code) const;
  bool killed_by(int signal) const;
};

/// A launcher on its way. finish() must be called once.
class Launch {
 public:
  explicit Launch(const LaunchRequest& request);
  pid_t pid() const { return pid_; }
  /// The report's pipe as /proc/PID/fd shows it.
  std::string report_pipe_name() const;
  /// What was written so far.
  std::string output() const;
  /// Waits until the output has `lines` lines, for ten seconds at most; gives the output.
  std::string wait_for_lines(std::size_t lines) const;
  /// Waits for the launcher, and kills it after twenty seconds.
  LaunchResult finish();

 private:
  pid_t pid_ = -1;
  int report_descriptor_ = -1;
  int output_descriptor_ = -1;
};

LaunchResult run_launched(const LaunchRequest& request);

/// True once no process of that number runs any more (a zombie does not), within ten seconds.
bool has_ended(pid_t process);

}  // namespace heapwise

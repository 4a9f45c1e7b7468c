// A child process, started through heapwise-launch like every other one. What it inherits is its
// standard streams and at most one more descriptor; everything else of the parent is O_CLOEXEC.
//
//     parent ──▶ heapwise-launch ──▶ command
//        ◀──────── LaunchReport ┘
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/core/units.h"
#include "bench/launch/launch_report.h"
#include "bench/run/file_descriptor.h"
#include "bench/run/interrupt.h"
#include "bench/run/watcher.h"

namespace heapwise {

struct ChildRequest {
  std::string launcher;                     // path of heapwise-launch
  std::vector<std::string> launch_options;  // e.g. --trace-system-calls
  std::vector<std::string> command;         // the program's path first
  std::vector<std::string> environment;     // KEY=VALUE
  int handed_descriptor = -1;               // inherited under its own number
  bool shares_terminal = false;             // standard streams are the parent's, else captured
};

enum class Stop { kNone, kTimedOut, kInterrupted, kByWatcher };

struct ChildEnd {
  std::optional<LaunchReport> report;  // nothing: the launcher itself was killed
  Stop stopped = Stop::kNone;          // why heapwise ended it
  std::string output;                  // captured, the first 4 MiB
  std::string errors;                  // captured, the first 64 KiB
};

/// A moment on the monotonic clock; nothing: wait as long as it takes.
using Deadline = std::optional<Nanoseconds>;

/// The deadline `timeout` from now; a timeout of 0 is none.
Deadline deadline_after(Nanoseconds timeout);

class Child {
 public:
  /// Throws RunError when the launcher cannot be started.
  explicit Child(const ChildRequest& request);
  /// Stops it when it still runs.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The process whose descendants are the command and all that came of it.
  pid_t launcher_pid() const { return launcher_pid_; }

  /// Who looks at the child while it is waited for; nullptr: nobody. Must outlive the waiting.
  void set_watcher(Watcher* watcher) { watcher_ = watcher; }

  /// Whether the command has ended and finish() will not wait.
  bool has_ended() const;

  /// Sends SIGTERM to the command, or to what it has left in its place; does not wait.
  void ask_to_end();

  /// Waits for the end of the command, `pause` at most; Ctrl-C ends the waiting too.
  void wait_briefly(Nanoseconds pause, Interrupt& interrupt);

  /// Waits until `descriptor` can be read. False when the command ended before, the deadline has
  /// passed, Ctrl-C came or the watcher had enough; in the last three cases it has been stopped.
  bool wait_readable(int descriptor, Deadline deadline, Interrupt& interrupt);

  /// Waits for the end of the command and collects it. To be called once.
  ChildEnd finish(Deadline deadline, Interrupt& interrupt);

 private:
  void stop(Stop why);
  void reap();

  pid_t launcher_pid_ = -1;
  FileDescriptor report_;
  FileDescriptor output_;
  FileDescriptor errors_;
  Stop stopped_ = Stop::kNone;
  Watcher* watcher_ = nullptr;
};

}  // namespace heapwise

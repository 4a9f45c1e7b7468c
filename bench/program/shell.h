// Commands of the user's own around a run: to prepare it, to tell whether a server is ready, to
// drive it. They run on the machine's malloc and are never measured.
#pragma once

#include <string>
#include <vector>

#include "bench/core/units.h"
#include "bench/run/child.h"

namespace heapwise {

struct ShellCommand {
  std::string text;
  std::vector<std::string> environment;
  std::string directory;    // empty: this process's own
  std::string input_file;   // empty: nothing to read
  std::string output_file;  // empty: the output is captured
  std::string errors_file;  // empty: the errors are captured
};

/// How to start it through the launcher.
ChildRequest child_request(const ShellCommand& command, const std::string& launcher);

/// Whether it ended by itself with exit code 0.
bool succeeded(const ChildEnd& end);

/// How it ended, for people: `exit code 1: last line of its standard error`.
std::string ending_words(const ChildEnd& end);

/// The last bytes of a file, `limit` at most; empty when it cannot be read.
std::string tail_of(const std::string& path, Bytes limit);

}  // namespace heapwise

// The launcher's command line. Nothing here allocates: the strings stay where exec put them.
#pragma once

#include <cstdint>

namespace heapwise {

struct Arguments {
  int report_descriptor = -1;
  bool trace_system_calls = false;
  bool whole_tree = false;  // the run lasts until the last process of the tree has ended
  bool limits_address_space = false;
  std::uint64_t address_space_bytes = 0;
  const char* cgroup_procs = nullptr;  // the file through which a cgroup is entered; nullptr: none
  const char* stdin_path = nullptr;    // nullptr: inherited, as for the next three
  const char* stdout_path = nullptr;
  const char* stderr_path = nullptr;
  const char* directory = nullptr;
  char** command = nullptr;  // its argv, closed by a nullptr
};

enum class Parsed { kRun, kHelp, kWrong };

/// Fills `arguments` from the command line. After kWrong stderr says what to type instead.
Parsed parse_arguments(int argc, char** argv, Arguments& arguments);

}  // namespace heapwise

// Runs a program such as pmap, ps or valgrind and keeps what it prints, without touching the heap:
// the child is a vfork, so that not even page tables are copied, and the output goes into the
// caller's buffer. Between the call and the return the process maps nothing and moves no brk.
#pragma once

#include <cstddef>

#include "bench/experiment/report.h"

namespace heapwise {

struct Tool {
  const char* package;           // what to install where it is missing, by its name in Debian
  const char* const* arguments;  // the program first, found by PATH; ended by nullptr
  bool keeps_errors = false;     // standard error goes into the output as well; else nowhere
};

struct ToolEnd {
  int start_error = 0;           // errno: why it could not be started; 0: it was
  int exit_code = 0;             // its own, when signal is 0
  int signal = 0;                // that ended it; 0: none
  std::size_t output_bytes = 0;  // that are in the buffer, without the 0 behind them
  bool is_whole = true;          // false: the buffer was too short; the rest was read and dropped

  bool succeeded() const { return start_error == 0 && exit_code == 0 && signal == 0; }
};

/// Runs it to its end with standard input empty, PATH and HOME kept, LC_ALL=C and nothing else in
/// its environment. `output` is ended by a 0; precondition: capacity >= 1.
ToolEnd run_tool(const Tool& tool, char* output, std::size_t capacity);

/// The same; refuses for the experiment when the program is not installed or cannot be started
/// ("pmap: not installed; apt-get install procps") and when the output did not fit. What its exit
/// code means is the caller's to know.
ToolEnd run_tool_or_refuse(Report& report, const Tool& tool, char* output, std::size_t capacity);

}  // namespace heapwise

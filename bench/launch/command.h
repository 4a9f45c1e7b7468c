// Starts the command, waits for it, and measures it as a whole.
#pragma once

#include <signal.h>

#include "bench/launch/arguments.h"
#include "bench/launch/launch_report.h"

namespace heapwise {

/// Runs the command to its end, and its process tree, and fills all of the report but its magic.
/// What could not be done is an exec_errno and a line on stderr. Once, from a process with one
/// thread and no children that has called block_signals(); the command starts with the mask
/// `inherited_signals`.
LaunchReport run_command(const Arguments& arguments, const sigset_t& inherited_signals);

}  // namespace heapwise

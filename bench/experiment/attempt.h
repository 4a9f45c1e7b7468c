// Something that may well end a process, tried in a fork of it.
#pragma once

#include "bench/experiment/report.h"

namespace heapwise {

/// Runs `attempt(argument)` in a fork and returns the signal that ended the fork; 0: the attempt
/// came back. Nothing is left of it: no core file, no child. What it writes is lost unless the
/// memory is shared; it must not use Report. Refuses where there can be no fork.
int signal_of_attempt(Report& report, void (*attempt)(void*), void* argument);

/// Reads the byte at `address`, or writes to it, in a fork: the signal that this costs; 0: none. Of
/// memory that is shared the byte written stays.
int signal_of_read(Report& report, const void* address);
int signal_of_write(Report& report, const void* address);

}  // namespace heapwise

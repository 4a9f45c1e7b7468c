// Whether a server has opened its door, without knowing its protocol.
#pragma once

#include <sys/types.h>

#include <vector>

namespace heapwise {

/// Whether one of the processes holds a TCP or Unix stream socket that listens. A process of
/// another user's, whose descriptors may not be read, counts as one that does not.
bool any_listens(const std::vector<pid_t>& processes);

}  // namespace heapwise

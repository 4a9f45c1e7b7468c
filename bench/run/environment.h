// The fingerprint of the machine and of this build: what makes two campaigns comparable or not.
#pragma once

#include "bench/core/units.h"
#include "bench/run/json.h"

namespace heapwise {

/// `environment` of a manifest. What cannot be read is null. The host's name is hashed.
Json read_environment();

/// MemAvailable of /proc/meminfo, or the limit of this process's memory cgroup where that is less.
Bytes available_memory();

}  // namespace heapwise

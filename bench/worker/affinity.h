// On which CPUs a thread runs.
#pragma once

#include <vector>

namespace heapwise {

/// The CPUs that this thread may use; never empty.
std::vector<int> usable_cpus();

/// Keeps the calling thread, and the threads it starts from now on, on these CPUs. False where the
/// system refuses, e.g. for a CPU that is not there.
bool stay_on(const std::vector<int>& cpus);

}  // namespace heapwise

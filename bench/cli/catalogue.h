// What can be measured here and what is missing for the rest, as `list --json` prints it. Documents
// and scripts ask this instead of keeping names of their own.
#pragma once

#include <string>
#include <vector>

#include "bench/run/json.h"
#include "bench/run/parts.h"

namespace heapwise {

/// {allocators, workloads, apps, profiles}: the first three with a `name` each, workloads by
/// family.
Json make_catalogue(const Parts& parts);

/// Takes out what is not named, and of the profiles the rows of other workloads. Throws UsageError
/// for a name of nothing.
void keep_named(const std::vector<std::string>& names, Json& catalogue);

/// The passes that a workload can have which does nothing out of the ordinary.
std::vector<std::string> usual_passes();

}  // namespace heapwise

// An inspection as `heapwise inspect --json` prints it: #/$defs/inspection of results/schema.json.
#pragma once

#include "bench/inspect/advice.h"
#include "bench/inspect/inspection.h"
#include "bench/run/json.h"

namespace heapwise {

Json to_json(const Inspection& inspection, const std::vector<Advice>& advice);

}  // namespace heapwise

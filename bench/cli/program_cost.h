// What starting a program through heapwise adds to it, measured on `true`, which does nothing.
#pragma once

#include "bench/run/interrupt.h"
#include "bench/run/json.h"
#include "bench/run/parts.h"

namespace heapwise {

/// Rows {name, value, unit, target, how} as heapwise-worker --self gives them; fewer after Ctrl-C.
Json program_cost_rows(const Parts& parts, Interrupt& interrupt);

}  // namespace heapwise

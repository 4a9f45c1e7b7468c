// `bench --self`: what the harness itself costs, measured by the worker.
#pragma once

#include "bench/run/interrupt.h"
#include "bench/run/parts.h"

namespace heapwise {

/// Prints the worker's answer as a table, or as it is with `as_json`. Returns the exit code; throws
/// RunError when the worker gives no answer.
int print_self_cost(const Parts& parts, bool as_json, Interrupt& interrupt);

}  // namespace heapwise

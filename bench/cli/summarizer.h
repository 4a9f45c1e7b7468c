// The way to the Python package, which turns the records of a folder into summary.json, plots and
// the table that is printed.
#pragma once

#include <string>

#include "bench/run/interrupt.h"
#include "bench/run/parts.h"

namespace heapwise {

/// Summarises the folder; the table goes to standard output, or with `as_json` the summary.json
/// itself. False, with a note on standard error how to do it later, when that was not possible:
/// what was measured is safe either way.
bool summarize(const Parts& parts, const std::string& folder, bool as_json, Interrupt& interrupt);

}  // namespace heapwise

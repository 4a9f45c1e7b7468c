// The way to the Python package, which turns the records of a folder into summary.json, plots and
// the table that is printed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/run/interrupt.h"
#include "bench/run/parts.h"

namespace heapwise {

/// What the summary says to a shell.
struct SummaryEnd {
  std::uint64_t unequal_runs_count = 0;  // ended well, but did not do the baseline's work
};

/// Summarises the folder; the table goes to standard output, or with `as_json` the summary.json
/// itself. Nothing, with a note on standard error how to do it later, when that was not possible:
/// what was measured is safe either way.
std::optional<SummaryEnd> summarize(const Parts& parts, const std::string& folder, bool as_json,
                                    Interrupt& interrupt);

}  // namespace heapwise

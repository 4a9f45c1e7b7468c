// Whether the plan fits this machine, and its memory made ready: asked before anything is measured.
#pragma once

#include <string>

#include "bench/core/units.h"
#include "bench/run/plan.h"

namespace heapwise {

struct LargestCell {
  std::string title;  // empty: the plan has no workloads
  Bytes footprint;
};

/// The cell with the largest footprint: live objects and the harness's tables, but under a memory
/// limit no more than that. 0: none.
LargestCell largest_cell(const Plan& plan, Bytes memory_limit = {});

/// Throws UsageError, which names the cell and both sizes, when it cannot fit.
void require_memory(const LargestCell& largest, Bytes available);

/// Touches and releases 1.5 times that footprint, at most half of what is available: the first
/// touch of a virtual machine's memory can cost the host microseconds a page. Returns the bytes
/// touched; fewer when the system grants no more.
Bytes touch_memory(const LargestCell& largest, Bytes available);

}  // namespace heapwise

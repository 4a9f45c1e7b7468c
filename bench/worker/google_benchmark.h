// The worker as a Google Benchmark program: one iteration is one slice, by manual time and in fixed
// number, so that the heap's history never depends on the allocator's speed.
#pragma once

#include <functional>

#include "bench/worker/cell_run.h"

namespace heapwise {

/// Who decides when a run may go on. The defaults let it run.
struct Pacing {
  std::function<void()> before_region = [] {};  // the cell is warmed up
  std::function<void()> before_slice = [] {};
  std::function<void()> after_slice = [] {};
};

/// Warms the cell up and runs the region as `pacing` lets it, all inside one Google Benchmark run
/// and silently. The library's own heap calls lie before the warm-up: an object of its on top
/// of the workload's would keep an allocator from trimming its heap.
void run_cell(CellRun& run, const Slicing& slicing, const Pacing& pacing);

/// Registers every workload with its default parameters and runs what the command line selects
/// (`--benchmark_filter=small_churn`, `--benchmark_list_tests`, …). The exit code of main.
int run_by_hand(int argc, char** argv);

}  // namespace heapwise

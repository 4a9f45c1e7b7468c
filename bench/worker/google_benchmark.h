// The worker as a Google Benchmark program: one iteration is one slice, by manual time and in fixed
// number, so that the heap's history never depends on the allocator's speed.
#pragma once

#include "bench/worker/cell_run.h"

namespace heapwise {

/// Runs the region of a prepared cell through Google Benchmark, silently.
void run_region(CellRun& run, const Slicing& slicing);

/// Registers every workload with its default parameters and runs what the command line selects
/// (`--benchmark_filter=small_churn`, `--benchmark_list_tests`, …). The exit code of main.
int run_by_hand(int argc, char** argv);

}  // namespace heapwise

// The table of settings and block sizes: what allocating, touching and freeing a block costs, in
// time, faults and system calls, and three curves that explain it.
//
// What measure_settings_table returns (units at the ends of names):
//
//     complete        false after Ctrl-C: cells and series that were not measured are missing
//     settings        [{spec, preloaded, missing}]: a row each. spec in the grammar of core/spec.h;
//                     preloaded: through LD_PRELOAD, rather than the malloc that answers anyway;
//                     missing: empty, or why the row has no cells
//     sizes_bytes     the columns, ascending; shown_sizes_bytes: those of a table that fits a page
//     cells           [{spec, size_bytes, operations_count, operation_ns, fastest_operation_ns,
//                       minor_faults_per_operation, brk_per_operation, mmap_per_operation,
//                       munmap_per_operation, madvise_per_operation, mremap_per_operation,
//                       system_calls_per_operation, missing}]
//                     operation_ns: median of batches. Calls are those of a run of their own, under
//                     tracing, and null where the system does not let processes be traced. Figures
//                     are absent where missing, the reason, is not empty.
//     series          [{name, spec, size_bytes, x, y, points: [[x, y], ...]}], x and y by their
//     names:
//       The spec of the first two ends in the setting that x is the value of:
//       faults_against_trim_threshold  with mmap_threshold=64M; points lie close around the edge
//       faults_against_top_pad         with mmap_threshold=64M and trim_threshold=128K
//       dynamic_threshold              frees_count against smallest_mapped_bytes, 0: none up to 128
//       MiB dynamic_threshold_freed        frees_count against freed_bytes, the block that was
//       freed then missing in one, in the place of points: why it could not be measured
//     edges           [{series, last_with_faults, first_without_faults}]: where the faults end,
//     found
//                     by bisection; absent where they do not
//     cost_ladder     {page_again_ns, minor_fault_ns, page_cache_ns, major_fault_ns, pages_count},
//     each
//                     of one page: written again; written first; of a file in memory; of a file on
//                     storage. Or {missing}
#pragma once

#include <functional>

#include "bench/claims/experiment_runner.h"
#include "bench/run/json.h"
#include "bench/run/progress.h"

namespace heapwise {

using SettingsTableProgress = std::function<void(const ProgressState&)>;

/// In less than a minute. `progress` is called before each step. Throws RunError when experiments
/// cannot be started.
Json measure_settings_table(ExperimentRunner& runner, const SettingsTableProgress& progress);

}  // namespace heapwise

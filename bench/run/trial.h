// Finds out, before anything is compared, how the slices of a comparison are cut and what a block
// of it costs. Neither depends on which side is ahead, and nothing is stopped on a result.
#pragma once

#include <cstdint>

#include "bench/run/cell.h"
#include "bench/run/runner.h"

namespace heapwise {

/// Runs trial blocks of the group and throws their figures away. Cuts a lockstep group's slices:
/// one lasts at least 2 ms on the slower side, and as long as its lead-in; the lead-in goes once
/// over the working set, or over as much of it as the last-level cache holds; a pair runs about as
/// long as it takes to start. Returns what a block takes. Where a trial fails, the least slicing
/// and 0: the campaign will record how it fails.
Nanoseconds run_trial(Group& group, std::uint64_t seed, PairRunner& runner);

/// One trial pair of a lockstep group whose slices have been cut.
struct PairTrial {
  bool ok = false;
  Nanoseconds wall;
  Nanoseconds start;          // until both were ready
  double slice_ns = 0;        // the slower side's median
  double workload_share = 0;  // of the turns' time: in batches, timed or in lead-ins; the rest
                              // draws random numbers and changes processes
  RunResult baseline;
};
PairTrial try_pair(const Group& group, std::uint64_t seed, PairRunner& runner);

}  // namespace heapwise

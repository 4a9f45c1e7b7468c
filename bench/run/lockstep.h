// Two live workers that take turns on one CPU, slice by slice: the finest comparison of time there
// is on a machine whose mood changes from second to second, because both sides of a pair of slices
// are measured within milliseconds.
//
//     turn 0:  B A     turn 1:  A B     turn 2:  A B   …   the order inside a turn is random
//
// Both are asked for the same objects: same seed, same slicing, the same position of the stream.
#pragma once

#include <array>
#include <cstdint>

#include "bench/run/worker_session.h"

namespace heapwise {

struct LockstepEnd {
  WorkerEnd worker;
  bool failed = false;  // it did not get through by itself; the other one was then stopped
};

/// Starts both, lets them warm up, gives them `slices_count` turns in an order drawn from `seed`
/// and hears their figures. RunError as for run_worker.
std::array<LockstepEnd, 2> run_in_lockstep(const std::array<WorkerCall, 2>& calls,
                                           std::uint64_t slices_count, std::uint64_t seed,
                                           Interrupt& interrupt);

}  // namespace heapwise

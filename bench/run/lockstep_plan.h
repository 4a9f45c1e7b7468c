// Plans the comparison of two allocators: what a slice is and how many pairs of processes a time
// holds. Both are settled before anything is compared, and nothing is stopped on a result.
#pragma once

#include <vector>

#include "bench/core/slicing.h"
#include "bench/core/spec.h"
#include "bench/run/cell.h"
#include "bench/run/runner.h"

namespace heapwise {

/// Fewer blocks give no verdict: with 8 Wilcoxon's p can fall to .0078.
inline constexpr unsigned kFewestPairs = 8;

/// The groups that compare both specs on a workload, without blocks and slicing: single-threaded
/// cells in lockstep, threaded ones by whole runs that alternate, and the system calls of both. The
/// first spec is the baseline. `workloads` as in Selection; the profile's where empty.
std::vector<std::vector<Group>> comparison_groups(const Profile& profile,
                                                  const std::vector<Spec>& workloads,
                                                  const Spec& baseline, const Spec& candidate);

/// What a trial says of a group: how its slices are to be cut, and what a block costs.
struct Trial {
  std::optional<Slicing> slicing;  // of a lockstep group
  Nanoseconds block;
};

/// Runs one trial block of the group and throws its figures away. A slice lasts at least 2 ms on
/// the slower side and as long as its lead-in; the lead-in goes once over the working set, or over
/// as much of it as the last-level cache holds. Where the trial fails, a least slicing: the
/// campaign will record how it fails.
Trial run_trial(const Group& group, std::uint64_t seed, PairRunner& runner);

}  // namespace heapwise

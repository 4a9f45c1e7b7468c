// From a profile and what the user chose to the groups of a plan. The one place of the parent that
// asks the workloads' catalogue.
#pragma once

#include <vector>

#include "bench/core/spec.h"
#include "bench/core/units.h"
#include "bench/run/cell.h"
#include "bench/run/profile.h"

namespace heapwise {

/// Fewer blocks give no verdict: with 8 Wilcoxon's p can fall to .0078.
inline constexpr unsigned kFewestBlocks = 8;

struct Selection {
  std::vector<Spec> allocators;
  std::vector<Spec> workloads;      // empty: the profile's
  std::vector<std::string> passes;  // empty: the profile's
};

/// The passes a campaign can be asked for, in the table's order.
std::vector<std::string> pass_names();

/// glibc as installed, or else the first.
std::string choose_baseline(const std::vector<Spec>& allocators);

/// The groups, in the table's order. With workloads chosen, a bare name means the profile's cells
/// of that workload and a spec with parameters is a cell of its own; the sweep is left out then, as
/// it is where glibc is not among the allocators. Passes that are chosen are made over every
/// workload that they fit, if need be as often as the profile makes them on call. Throws UsageError
/// for what cannot be resolved.
std::vector<Group> make_groups(const Profile& profile, const Selection& selection);

/// The groups that compare two specs on a profile's workloads, or on those chosen: a
/// single-threaded cell in lockstep, a threaded one by whole runs that alternate, and the system
/// calls of both. Each has enough blocks for a verdict among a hundred metrics. Throws UsageError
/// as make_groups does.
std::vector<Group> make_duel_groups(const Profile& profile, const std::vector<Spec>& workloads,
                                    const std::string& baseline, const std::string& candidate);

/// Live objects and tables of the group's workload; 0 for a command.
Bytes footprint_of(const Group& group);

}  // namespace heapwise

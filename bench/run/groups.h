// From a profile and what the user chose to the groups of a plan. The one place of the parent that
// asks the workloads' catalogue.
#pragma once

#include <vector>

#include "bench/core/spec.h"
#include "bench/core/units.h"
#include "bench/run/cell.h"
#include "bench/run/profile.h"

namespace heapwise {

struct Selection {
  std::vector<Spec> allocators;
  std::vector<Spec> workloads;  // empty: the profile's
};

/// glibc as installed, or else the first.
std::string choose_baseline(const std::vector<Spec>& allocators);

/// The groups, in the table's order. With workloads chosen, a bare name means the profile's cells
/// of that workload and a spec with parameters is a cell of its own; the sweep is left out then, as
/// it is where glibc is not among the allocators. Throws UsageError for what cannot be resolved.
std::vector<Group> make_groups(const Profile& profile, const Selection& selection);

/// Live objects and tables of the group's workload; 0 for a command.
Bytes footprint_of(const Group& group);

}  // namespace heapwise

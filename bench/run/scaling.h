// The same work by more and more threads: which cells `bench --scale 1,2,4` measures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/core/spec.h"
#include "bench/run/profile.h"

namespace heapwise {

struct Scaling {
  std::vector<Spec> workloads;        // each at every number of threads
  std::vector<std::string> left_out;  // who is not among them, and why: for people
};

/// The chosen workloads, or without any all that have a parameter `threads` which takes these
/// numbers: as the profile's first row of each has them, or else by default. Throws UsageError for
/// a chosen one that has no such parameter or already says its threads, and for a number that it
/// does not take.
Scaling scale_workloads(const Profile& profile, const std::vector<Spec>& chosen,
                        const std::vector<unsigned>& threads);

/// `1,2,4,8`. Throws UsageError for anything but different numbers above 0.
std::vector<unsigned> parse_scale(std::string_view text);

}  // namespace heapwise

// How long runs take: for the time that is left, for the budget and for time-outs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/core/units.h"
#include "bench/run/plan.h"

namespace heapwise {

class Pace {
 public:
  explicit Pace(const Plan& plan) : plan_(plan), groups_(plan.groups.size()) {}

  void add(std::size_t group, const std::string& allocator, Nanoseconds wall);

  /// Median of the baseline's runs in the group, or nothing before the first.
  std::optional<Nanoseconds> baseline_median(std::size_t group) const;
  /// A block of the group: from its own runs, else from all runs; nothing before the first run.
  std::optional<Nanoseconds> block_estimate(std::size_t group) const;

 private:
  struct Sum {
    Nanoseconds total;
    std::uint64_t count = 0;
  };
  const Plan& plan_;
  std::vector<Sum> groups_;
  Sum all_;
  std::map<std::size_t, std::vector<Nanoseconds>> baselines_;
};

}  // namespace heapwise

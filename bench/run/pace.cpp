#include "bench/run/pace.h"

#include <algorithm>

namespace heapwise {

void Pace::add(std::size_t group, const std::string& allocator, Nanoseconds wall) {
  for (Sum* sum : {&groups_[group], &all_}) {
    sum->total += wall;
    ++sum->count;
  }
  if (allocator == plan_.groups[group].baseline) baselines_[group].push_back(wall);
}

std::optional<Nanoseconds> Pace::baseline_median(std::size_t group) const {
  const auto found = baselines_.find(group);
  if (found == baselines_.end()) return std::nullopt;
  auto walls = found->second;
  const auto middle = walls.begin() + static_cast<std::ptrdiff_t>(walls.size() / 2);
  std::nth_element(walls.begin(), middle, walls.end());
  return *middle;
}

std::optional<Nanoseconds> Pace::block_estimate(std::size_t group) const {
  const Sum& sum = groups_[group].count > 0 ? groups_[group] : all_;
  if (sum.count == 0) return std::nullopt;
  return Nanoseconds{sum.total.value / sum.count * plan_.groups[group].allocators.size()};
}

}  // namespace heapwise

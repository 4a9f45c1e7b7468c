#include "bench/probe/allocator_statistics.h"

#include <algorithm>

#include "allocators/reader.h"

namespace heapwise {

AllocatorStatistics::AllocatorStatistics(std::span<const Statistic> statistics)
    : statistics_(statistics.first(std::min(statistics.size(), kMostStatistics))) {}

void AllocatorStatistics::read(Moment moment) {
  Values& values = values_[static_cast<std::size_t>(moment)];
  for (std::size_t i = 0; i < statistics_.size(); ++i) {
    const ReadValue read = read_value(statistics_[i].reader);
    const bool is_figure = read.kind == ReadValue::Kind::kInteger && read.integer >= 0;
    values[i] = is_figure ? std::optional(static_cast<std::uint64_t>(read.integer)) : std::nullopt;
  }
}

std::optional<std::uint64_t> AllocatorStatistics::value(Moment moment, std::size_t index) const {
  return values_[static_cast<std::size_t>(moment)][index];
}

}  // namespace heapwise

// What the allocator under test counts of itself, read at three moments through the readers that
// its descriptor names.
//
//   before ─▶ warm-up ─▶ begin ─▶ measured region ─▶ end
//
// Bytes are levels at the moment, counts go on since the process began: what the region did is end
// less begin, what the workload added to memory is end less before, as RSS is taken.
//
// Outside the region only. A look-up of a symbol and a call for each statistic, into fixed storage:
// no heap is used here; what a reader makes its allocator do is the allocator's. Costs
// microseconds, or, where the allocator walks its free lists to answer, milliseconds on a large
// heap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "allocators/descriptor.h"

namespace heapwise {

enum class Moment : std::size_t { kBefore, kBegin, kEnd };
inline constexpr std::size_t kMomentsCount = 3;
inline constexpr std::array<const char*, kMomentsCount> kMomentNames{"before", "begin", "end"};

class AllocatorStatistics {
 public:
  /// Of `statistics`, which must outlive this, those beyond kMostStatistics are not read.
  explicit AllocatorStatistics(std::span<const Statistic> statistics);

  void read(Moment moment);

  std::size_t size() const { return statistics_.size(); }
  std::string_view name(std::size_t index) const { return statistics_[index].name; }
  /// Nothing where the allocator has no such figure, or the moment was not read.
  std::optional<std::uint64_t> value(Moment moment, std::size_t index) const;

  static constexpr std::size_t kMostStatistics = 32;

 private:
  using Values = std::array<std::optional<std::uint64_t>, kMostStatistics>;

  std::span<const Statistic> statistics_;
  std::array<Values, kMomentsCount> values_{};
};

}  // namespace heapwise

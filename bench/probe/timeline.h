// Live bytes, RSS and VSZ against the number of operations, in storage populated beforehand. A full
// timeline is thinned to every second point, so that it covers a run of any length evenly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/core/units.h"
#include "bench/probe/memory_sampler.h"

namespace heapwise {

struct TimelinePoint {
  std::uint64_t operations_count;
  Bytes live;
  Bytes rss;
  Bytes vsz;
};

class Timeline {
 public:
  /// `capacity` is at least 2.
  explicit Timeline(std::size_t capacity) : points_(capacity) {}

  /// Adds a point. True when the timeline was thinned: the caller should sample half as often.
  bool add(std::uint64_t operations_count, std::uint64_t live_bytes, const MemorySample& memory) {
    const bool full = size_ == points_.size();
    if (full) thin();
    points_[size_++] = {operations_count, {live_bytes}, memory.rss, memory.vsz};
    return full;
  }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return points_.size(); }
  const TimelinePoint& operator[](std::size_t index) const { return points_[index]; }

 private:
  void thin() {
    const std::size_t kept = (size_ + 1) / 2;
    for (std::size_t i = 1; i < kept; ++i) points_[i] = points_[2 * i];
    size_ = kept;
  }

  std::vector<TimelinePoint> points_;
  std::size_t size_ = 0;
};

}  // namespace heapwise

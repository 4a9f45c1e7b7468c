// Live bytes, RSS and VSZ against the number of operations, in storage populated beforehand.
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
  explicit Timeline(std::size_t capacity) : points_(capacity) {}

  /// Adds a point; a full timeline keeps what it has and drops the new one.
  void add(std::uint64_t operations_count, std::uint64_t live_bytes, const MemorySample& memory) {
    if (size_ == points_.size()) return;
    points_[size_++] = {operations_count, {live_bytes}, memory.rss, memory.vsz};
  }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return points_.size(); }
  const TimelinePoint& operator[](std::size_t index) const { return points_[index]; }

 private:
  std::vector<TimelinePoint> points_;
  std::size_t size_ = 0;
};

}  // namespace heapwise

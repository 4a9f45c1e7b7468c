// A log-linear histogram of durations in ticks, in fixed storage.
//
// Each power of two is cut into 64 equal parts, so a bucket is at most 1/64 of its lower bound wide
// and its middle is within 0.8 % of every value in it. Values below 64 have a bucket each:
//
//     0 1 2 … 63 | 64 65 … 127 | 128 130 … 254 | 256 260 … 508 | …
//
// Invariant: count() is the sum of all buckets. Recording is two shifts and an increment; no heap.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "bench/core/clock.h"

namespace heapwise {

class LatencyHistogram {
 public:
  static constexpr unsigned kSubBits = 6;
  static constexpr unsigned kLargestBits = 44;  // 2^44 ticks are more than an hour
  static constexpr std::size_t kBucketsCount = (kLargestBits - kSubBits + 1) << kSubBits;

  void record(Ticks ticks) {
    ++buckets_[bucket_of(ticks)];
    largest_ = std::max(largest_, ticks);
  }

  /// Adds the counts of another thread's histogram.
  void merge(const LatencyHistogram& other) {
    for (std::size_t i = 0; i < kBucketsCount; ++i) buckets_[i] += other.buckets_[i];
    largest_ = std::max(largest_, other.largest_);
  }

  std::uint64_t count() const {
    std::uint64_t total = 0;
    for (const auto bucket : buckets_) total += bucket;
    return total;
  }

  /// The middle of the bucket in which the quantile (0 < quantile <= 1) lies; 0 when empty.
  Ticks quantile(double quantile) const {
    const std::uint64_t total = count();
    const auto rank = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(quantile * static_cast<double>(total) + 0.999999));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBucketsCount; ++i) {
      seen += buckets_[i];
      if (seen >= rank) return std::min(lower_bound(i) + (width(i) - 1) / 2, largest_);
    }
    return 0;
  }

  Ticks largest() const { return largest_; }
  std::uint64_t bucket_count(std::size_t index) const { return buckets_[index]; }

  static constexpr std::size_t bucket_of(Ticks ticks) {
    ticks = std::min(ticks, (Ticks{1} << kLargestBits) - 1);
    const auto bits = static_cast<unsigned>(std::bit_width(ticks >> kSubBits));
    if (bits == 0) return ticks;
    const unsigned shift = bits - 1;
    return (static_cast<std::size_t>(bits) << kSubBits) + ((ticks >> shift) - (1U << kSubBits));
  }

  static constexpr Ticks lower_bound(std::size_t index) {
    const auto bits = static_cast<unsigned>(index >> kSubBits);
    const Ticks part = index & ((1U << kSubBits) - 1);
    return bits == 0 ? part : (part + (1U << kSubBits)) << (bits - 1);
  }

  static constexpr Ticks width(std::size_t index) {
    const auto bits = static_cast<unsigned>(index >> kSubBits);
    return bits == 0 ? 1 : Ticks{1} << (bits - 1);
  }

 private:
  std::array<std::uint64_t, kBucketsCount> buckets_{};
  Ticks largest_ = 0;
};

}  // namespace heapwise

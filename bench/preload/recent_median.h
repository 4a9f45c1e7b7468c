// The median of the last few values, kept in order so that a new one costs a few moves.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapwise {

template <std::size_t kMost>
class RecentMedian {
 public:
  /// Takes the place of the oldest value once there are kMost.
  void add(std::uint64_t value) {
    if (count_ == kMost) take_out(by_age_[oldest_]);
    put_in(value);
    by_age_[oldest_] = value;
    oldest_ = (oldest_ + 1) % kMost;
  }

  void forget_all() { count_ = oldest_ = 0; }
  std::size_t count() const { return count_; }

  /// The upper of the two in the middle; count() must not be 0.
  std::uint64_t median() const { return by_size_[count_ / 2]; }

 private:
  void take_out(std::uint64_t value) {
    std::size_t place = 0;
    while (by_size_[place] != value) ++place;
    for (--count_; place < count_; ++place) by_size_[place] = by_size_[place + 1];
  }

  void put_in(std::uint64_t value) {
    std::size_t place = count_++;
    for (; place > 0 && by_size_[place - 1] > value; --place) by_size_[place] = by_size_[place - 1];
    by_size_[place] = value;
  }

  std::uint64_t by_age_[kMost]{};   // a ring
  std::uint64_t by_size_[kMost]{};  // the same values, rising
  std::size_t oldest_ = 0;
  std::size_t count_ = 0;
};

}  // namespace heapwise

// Makes the heap operations of one thread slower by a share of the time they take.
//
//   allocations   | . . . . window . . . . |spin| . . . . window . . . . |spin| ...
//                                          ^ share * median of the last windows
//
// The time from spin to spin is the workload's: its heap operations and what it does between them.
// A window that spans a pause, such as another process's turn, is far from the median and costs
// nothing. How many allocations make a window adapts, so that the clock is read rarely and a spin
// is still short. Nothing is spun before there are windows enough to judge; what they owe is paid
// then, and what a spin took too long is taken off the next. With a share of 0 the clock is read
// all the same, so two shares differ in the spin alone.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "bench/preload/recent_median.h"

namespace heapwise {

/// Clock::now_ns() gives nanoseconds, of which only differences mean anything.
template <class Clock>
class TimeShare {
 public:
  static constexpr std::uint64_t kPartsPerShare = 1'000'000;  // a share of 1

  /// Once at each allocation of the thread. `share_parts` must be kPartsPerShare at most.
  void allocates(std::uint64_t share_parts) {
    if (--allocations_left_ == 0) [[unlikely]]
      end_window(share_parts);
  }

  std::uint64_t allocations_per_window() const { return allocations_per_window_; }

 private:
  static constexpr std::size_t kWindowsRemembered = 15;
  static constexpr std::size_t kWindowsToJudge = 5;  // one or two of them may be outliers
  static constexpr std::uint64_t kShortestWindowNs = 10'000;
  static constexpr std::uint64_t kLongestWindowNs = 40'000;
  static constexpr std::uint64_t kAdaptedWindowNs =
      28'000;  // at most: what comes out is a half to 1
  static constexpr std::uint64_t kFirstAllocations = 64;
  static constexpr std::uint64_t kMostAllocations = 8192;
  // A spin that ends later than this was interrupted: not injected, so not to be taken off.
  static constexpr std::int64_t kOvershootMostNs = 200;

  __attribute__((noinline)) void end_window(std::uint64_t share_parts) {
    if (has_begun_) {
      windows_.add(Clock::now_ns() - window_began_ns_);
      ++unpaid_windows_;
      if (windows_.count() >= kWindowsToJudge) judge(share_parts);
    }
    has_begun_ = true;
    allocations_left_ = allocations_per_window_;
    window_began_ns_ = spin();
  }

  void judge(std::uint64_t share_parts) {
    const std::uint64_t median = windows_.median();
    owed_ns_ += static_cast<std::int64_t>(median * unpaid_windows_ * share_parts / kPartsPerShare);
    unpaid_windows_ = 0;
    if (median < kShortestWindowNs || median > kLongestWindowNs) adapt_to(median);
  }

  void adapt_to(std::uint64_t median_ns) {
    const std::uint64_t fitting =
        allocations_per_window_ * kAdaptedWindowNs / (median_ns == 0 ? 1 : median_ns);
    const std::uint64_t power = fitting == 0 ? 1 : std::bit_floor(fitting);
    const std::uint64_t adapted = power > kMostAllocations ? kMostAllocations : power;
    if (adapted == allocations_per_window_) return;
    allocations_per_window_ = adapted;
    windows_.forget_all();
  }

  // Gives the time at which it ended. Begins with a look at the clock of its own: the bookkeeping
  // before must not be a part of the spin, because a share of 0 has it too.
  std::uint64_t spin() {
    const std::uint64_t begins = Clock::now_ns();
    std::uint64_t now = begins;
    if (owed_ns_ <= 0) return now;
    while (static_cast<std::int64_t>(now - begins) < owed_ns_) now = Clock::now_ns();
    const std::int64_t overshoot = static_cast<std::int64_t>(now - begins) - owed_ns_;
    owed_ns_ = -(overshoot < kOvershootMostNs ? overshoot : kOvershootMostNs);
    return now;
  }

  std::uint64_t allocations_left_ = 1;  // the first one opens the first window
  std::uint64_t allocations_per_window_ = kFirstAllocations;
  std::uint64_t window_began_ns_ = 0;
  std::uint64_t unpaid_windows_ = 0;
  std::int64_t owed_ns_ = 0;  // negative after a spin that took too long
  bool has_begun_ = false;
  RecentMedian<kWindowsRemembered> windows_;
};

}  // namespace heapwise

// Makes the heap operations of one thread slower by a share of the CPU time they take.
//
//   allocations   | . . . . window . . . . |spin| . . . . window . . . . |spin| ...
//                                          ^ share * the window's CPU time
//
// The CPU time from spin to spin is the workload's: its heap operations and what it does between
// them; another process's turn is not in it. How many allocations make a window adapts, so that the
// clock is read rarely and a spin is still short. What a spin took too long is taken off the next.
// With a share of 0 the clocks are read all the same, so two shares differ in the spin alone.
#pragma once

#include <cstdint>

namespace heapwise {

/// Clock::cpu_ns() gives the thread's CPU time, Clock::now_ns() any time that is cheap to read; of
/// both only differences mean anything.
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
  // A reading of the thread's CPU time is a system call of half a microsecond.
  static constexpr std::uint64_t kShortestWindowNs = 100'000;
  static constexpr std::uint64_t kLongestWindowNs = 400'000;
  static constexpr std::uint64_t kFirstAllocations = 64;
  static constexpr std::uint64_t kMostAllocations = 65'536;
  // A spin that ends later than this was interrupted: not injected, so not to be taken off.
  static constexpr std::int64_t kOvershootMostNs = 200;

  __attribute__((noinline)) void end_window(std::uint64_t share_parts) {
    if (has_begun_) {
      const std::uint64_t window = Clock::cpu_ns() - window_began_ns_;
      owed_ns_ += static_cast<std::int64_t>(window * share_parts / kPartsPerShare);
      adapt(window);
    }
    has_begun_ = true;
    allocations_left_ = allocations_per_window_;
    spin();
    window_began_ns_ = Clock::cpu_ns();
  }

  void adapt(std::uint64_t window_ns) {
    if (window_ns < kShortestWindowNs && allocations_per_window_ < kMostAllocations) {
      allocations_per_window_ *= 2;
    } else if (window_ns > kLongestWindowNs && allocations_per_window_ > 1) {
      allocations_per_window_ /= 2;
    }
  }

  // Begins with a look at the clock of its own: the bookkeeping before must not be a part of the
  // spin, because a share of 0 has it too.
  void spin() {
    const std::uint64_t begins = Clock::now_ns();
    if (owed_ns_ <= 0) return;
    std::uint64_t now = begins;
    while (static_cast<std::int64_t>(now - begins) < owed_ns_) now = Clock::now_ns();
    const std::int64_t overshoot = static_cast<std::int64_t>(now - begins) - owed_ns_;
    owed_ns_ = -(overshoot < kOvershootMostNs ? overshoot : kOvershootMostNs);
  }

  std::uint64_t allocations_left_ = 1;  // the first one opens the first window
  std::uint64_t allocations_per_window_ = kFirstAllocations;
  std::uint64_t window_began_ns_ = 0;
  std::int64_t owed_ns_ = 0;  // negative after a spin that took too long
  bool has_begun_ = false;
};

}  // namespace heapwise

// The time that is injected, under a clock that the test turns.
#include "bench/preload/time_share.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace heapwise {
namespace {

constexpr std::uint64_t kShare = std::uint64_t{1'000'000} / 20;  // 5 %

// A look at it takes as long as a real one, or much longer where the thread is interrupted.
struct TurnedClock {
  static constexpr std::uint64_t kLookNs = 25;
  static inline std::uint64_t now = 0;
  static constexpr std::uint64_t kInterruptionNs = 3'000'000;
  static inline int looks_to_interruption = 0;
  static inline std::uint64_t paused = 0;  // passed without the thread
  static std::uint64_t now_ns() {
    if (looks_to_interruption > 0 && --looks_to_interruption == 0) now += kInterruptionNs;
    return now += kLookNs;
  }
  static std::uint64_t cpu_ns() { return now_ns() - paused; }
  static void pause(std::uint64_t ns) {
    now += ns;
    paused += ns;
  }
};

using TurnedShare = TimeShare<TurnedClock>;

/// Nanoseconds from here on that passed inside the injection.
std::uint64_t injected_over(TurnedShare& share, std::uint64_t parts, int allocations,
                            std::uint64_t operation_ns) {
  std::uint64_t inside = 0;
  for (int i = 0; i < allocations; ++i) {
    TurnedClock::now += operation_ns;
    const std::uint64_t before = TurnedClock::now;
    share.allocates(parts);
    inside += TurnedClock::now - before;
  }
  return inside;
}

class InjectedTime : public testing::TestWithParam<std::uint64_t> {};

// Catches: spins that are counted in the next window, that are too long by the clock's own
// cost each, or that are lost while a window's length is looked for.
TEST_P(InjectedTime, IsTheShareOfTheOperationsTime) {
  // 100 ms of operations or more: hundreds of windows.
  const int allocations = std::max(200'000, static_cast<int>(100'000'000 / GetParam()));
  TurnedShare without;
  TurnedShare with;
  const std::uint64_t own_cost = injected_over(without, 0, allocations, GetParam());
  const std::uint64_t both = injected_over(with, kShare, allocations, GetParam());
  const double share =
      static_cast<double>(both - own_cost) / (allocations * static_cast<double>(GetParam()));
  EXPECT_NEAR(share, 0.05, 0.0005);
}

// Catches: a clock that is read so often that its cost hides the share, or a spin so long that it
// falls into one slice and not into the next.
TEST_P(InjectedTime, ComesInWindowsOfHundredsOfMicroseconds) {
  TurnedShare share;
  injected_over(share, kShare, 200'000, GetParam());
  const std::uint64_t window_ns = share.allocations_per_window() * GetParam();
  if (GetParam() > 400'000) {
    EXPECT_EQ(share.allocations_per_window(), 1U);
  } else {
    EXPECT_GE(window_ns, 100'000U);
    EXPECT_LE(window_ns, 400'000U);
  }
}

INSTANTIATE_TEST_SUITE_P(OfOperationsOf, InjectedTime,
                         testing::Values(3, 17, 100, 450, 2'000, 30'000, 700'000));

// Catches: another process's turn that is paid for as if it were the allocator's time.
TEST(InjectedTimeAlone, LeavesPausesOut) {
  constexpr std::uint64_t kOperationNs = 100;
  constexpr int kSlice = 20'000;
  TurnedShare share;
  std::uint64_t inside = 0;
  std::uint64_t own_cost = 0;
  for (int slice = 0; slice < 200; ++slice) {
    TurnedClock::pause(5'000'000);
    inside += injected_over(share, kShare, kSlice, kOperationNs);
  }
  TurnedShare without;
  for (int slice = 0; slice < 200; ++slice) {
    own_cost += injected_over(without, 0, kSlice, kOperationNs);
  }
  const double seen =
      static_cast<double>(inside - own_cost) / (200.0 * kSlice * static_cast<double>(kOperationNs));
  EXPECT_NEAR(seen, 0.05, 0.0005);
}

// Catches: a share of the median window instead of all windows: where one operation in ten faults
// and takes a hundred times as long, most of the time is in those.
TEST(InjectedTimeAlone, IsAShareOfRareLongOperationsToo) {
  TurnedShare without;
  TurnedShare with;
  const auto injected = [](TurnedShare& share, std::uint64_t parts) {
    std::uint64_t inside = 0;
    for (int i = 0; i < 20'000; ++i) {
      inside += injected_over(share, parts, 9, 1'000) + injected_over(share, parts, 1, 100'000);
    }
    return inside;
  };
  const auto own_cost = injected(without, 0);
  const auto both = injected(with, kShare);
  EXPECT_NEAR(static_cast<double>(both - own_cost) / (20'000.0 * 109'000), 0.05, 0.0005);
}

// Catches: a spin that was interrupted, for which the next ones are left out.
TEST(InjectedTimeAlone, GoesOnAfterASpinThatWasInterrupted) {
  TurnedShare share;
  injected_over(share, kShare, 1'000'000, 100);
  const std::uint64_t usual = injected_over(share, kShare, 1'000'000, 100);
  TurnedClock::looks_to_interruption = 3;  // the first in a spin: two come before
  const std::uint64_t after =
      injected_over(share, kShare, 1'000'000, 100) - TurnedClock::kInterruptionNs;
  EXPECT_NEAR(static_cast<double>(after), static_cast<double>(usual),
              static_cast<double>(usual) * 0.01);
}

// Catches: a dial at 0 that takes another way through the code than one that is turned up.
TEST(InjectedTimeAlone, OfShareZeroLooksAtTheClocksThreeTimesAWindow) {
  TurnedShare share;
  injected_over(share, 0, 100'000, 100);
  const std::uint64_t per_window = share.allocations_per_window();
  const auto windows = 100;
  const std::uint64_t own_cost =
      injected_over(share, 0, windows * static_cast<int>(per_window), 100);
  EXPECT_EQ(own_cost, windows * 3 * TurnedClock::kLookNs);
}

}  // namespace
}  // namespace heapwise

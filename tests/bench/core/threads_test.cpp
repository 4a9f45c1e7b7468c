#include "bench/core/threads.h"

#include <gtest/gtest.h>

#include <array>

#include "bench/core/clock.h"

namespace heapwise {
namespace {

// Would catch: a thread that sits out a round, whose operations would be counted all the same.
TEST(Threads, EveryThreadRunsEachRoundExactlyOnce) {
  Threads threads(5);
  std::array<std::atomic<int>, 5> rounds{};
  for (int round = 1; round <= 500; ++round) {
    threads.run([&](unsigned index) { ++rounds[index]; });
    for (const auto& count : rounds) ASSERT_EQ(count, round);
  }
}

// Would catch: rounds that run one thread after the other.
TEST(Threads, ThreadsRunAtTheSameTime) {
  Threads threads(2);
  std::atomic<int> arrived{0};
  threads.run([&](unsigned) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

// Would catch: nanoseconds that are ticks.
TEST(Clock, TicksAndTheMonotonicClockAgree) {
  const double scale = nanoseconds_per_tick();
  const auto begin = monotonic_now();
  const Ticks first = bracket_opens();
  while (monotonic_now() - begin < Nanoseconds{50'000'000}) {
  }
  const double by_ticks = static_cast<double>(bracket_closes() - first) * scale;
  const double by_clock = static_cast<double>((monotonic_now() - begin).value);
  EXPECT_NEAR(by_ticks / by_clock, 1.0, 0.05);
  EXPECT_GT(bracket_floor_ns(), 0.0);
}

}  // namespace
}  // namespace heapwise

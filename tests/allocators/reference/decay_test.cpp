#include "allocators/reference/decay.h"

#include <gtest/gtest.h>

namespace refmalloc {
namespace {

constexpr std::uint64_t kHalfLife = 500'000'000;

std::uint64_t left_after(std::uint64_t total_ns, std::uint64_t step_ns, std::uint64_t units) {
  Decay decay;
  decay.due(1, kHalfLife, 0);
  for (std::uint64_t at = step_ns; at <= total_ns; at += step_ns) {
    units -= decay.due(1 + at, kHalfLife, units);
  }
  return units;
}

// Silent error: short intervals round the decay away, or hasten it. The approximation of 2^-x may
// be off by a few percent.
TEST(Decay, halves_in_a_half_life_however_often_it_is_asked) {
  for (std::uint64_t step : {kHalfLife, kHalfLife / 2, kHalfLife / 10, kHalfLife / 100}) {
    EXPECT_NEAR(static_cast<double>(left_after(kHalfLife, step, 1000)), 500, 25) << step;
    EXPECT_NEAR(static_cast<double>(left_after(3 * kHalfLife, step, 1000)), 125, 25) << step;
  }
}

// Silent error: the last slices of a program that has gone idle are never returned.
TEST(Decay, reaches_nothing_in_the_end) {
  EXPECT_EQ(left_after(40 * kHalfLife, kHalfLife / 10, 1000), 0u);
  EXPECT_EQ(left_after(40 * kHalfLife, kHalfLife / 10, 1), 0u);
}

// Silent error: a clock that seems to run backwards makes everything due.
TEST(Decay, owes_nothing_when_no_time_has_passed) {
  Decay decay;
  decay.due(kHalfLife, kHalfLife, 10);
  EXPECT_EQ(decay.due(kHalfLife, kHalfLife, 1000), 0u);
  EXPECT_EQ(decay.due(kHalfLife - 1, kHalfLife, 1000), 0u);
}

TEST(Decay, makes_everything_due_without_a_half_life) {
  Decay decay;
  EXPECT_EQ(decay.due(1, 0, 1000), 1000u);
}

}  // namespace
}  // namespace refmalloc

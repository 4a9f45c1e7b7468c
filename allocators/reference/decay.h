// How much idle memory is due to go back: half of it in each half-life.
//
// Only memory that lay idle through the whole interval counts, so steady churn keeps what it reuses
// and an idle heap shrinks by halves. Fractions of a unit are carried over, so short intervals do
// not round everything away.
#pragma once

#include <cstdint>

namespace refmalloc {

class Decay {
 public:
  constexpr Decay() = default;

  // Units due at `now_ns` when at least `idle_units` were idle since the last call.
  // A half-life of 0 makes all of it due.
  std::uint64_t due(std::uint64_t now_ns, std::uint64_t half_life_ns,
                    std::uint64_t idle_units) noexcept {
    const std::uint64_t elapsed = now_ns > last_ns_ ? now_ns - last_ns_ : 0;
    last_ns_ = now_ns > last_ns_ ? now_ns : last_ns_;
    if (idle_units == 0) {
      owed_ = 0;
      return 0;
    }
    if (half_life_ns == 0) return idle_units;
    owed_ += lost_fraction(elapsed, half_life_ns) * idle_units;
    std::uint64_t whole = owed_ / kOne;
    if (whole > idle_units) whole = idle_units;
    owed_ -= whole * kOne;
    return whole;
  }

 private:
  static constexpr std::uint64_t kOne = std::uint64_t{1} << 20;

  // 1 - 2^(-elapsed / half_life) in units of 1 / kOne. Between whole half-lives 2^-x is taken as
  // 1 - x (0.6716 - 0.1716 x), which is exact at 0, 1/2 and 1.
  static constexpr std::uint64_t lost_fraction(std::uint64_t elapsed, std::uint64_t half_life) {
    constexpr std::uint64_t kLinear = 6716 * kOne / 10000;
    constexpr std::uint64_t kSquare = 1716 * kOne / 10000;
    const std::uint64_t halvings = elapsed / half_life;
    if (halvings >= 20) return kOne;
    const std::uint64_t x = (elapsed % half_life) / (half_life / 1024 + 1);
    const std::uint64_t kept = kOne - x * (kLinear - kSquare * x / 1024) / 1024;
    return kOne - (kept >> halvings);
  }

  std::uint64_t last_ns_ = 0;
  std::uint64_t owed_ = 0;
};

}  // namespace refmalloc

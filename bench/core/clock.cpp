#include "bench/core/clock.h"

#include <algorithm>
#include <array>

namespace heapwise {
namespace {

double measure_nanoseconds_per_tick() {
  constexpr Nanoseconds kSpan{20'000'000};
  const Nanoseconds begin = monotonic_now();
  const Ticks first = bracket_opens();
  Nanoseconds end = begin;
  while (end - begin < kSpan) end = monotonic_now();
  const Ticks last = bracket_closes();
  return static_cast<double>((end - begin).value) / static_cast<double>(last - first);
}

double measure_bracket_floor_ns() {
  std::array<Ticks, 1001> lengths{};
  for (auto& length : lengths) {
    const Ticks begin = bracket_opens();
    length = bracket_closes() - begin;
  }
  std::nth_element(lengths.begin(), lengths.begin() + lengths.size() / 2, lengths.end());
  return static_cast<double>(lengths[lengths.size() / 2]) * nanoseconds_per_tick();
}

}  // namespace

double nanoseconds_per_tick() {
  static const double scale = measure_nanoseconds_per_tick();
  return scale;
}

double bracket_floor_ns() {
  static const double floor = measure_bracket_floor_ns();
  return floor;
}

}  // namespace heapwise

#include "bench/claims/wording.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

namespace heapwise {

std::string grouped(std::int64_t figure) {
  constexpr std::size_t kGroup = 3;
  auto digits = std::to_string(figure);
  const std::size_t first = figure < 0 ? 1 : 0;
  for (auto at = digits.size(); at > first + kGroup;) digits.insert(at -= kGroup, ",");
  return digits;
}

std::string grouped_difference(std::int64_t figure) {
  return (figure < 0 ? "" : "+") + grouped(figure);
}

std::string rounded_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  constexpr double kStep = 1024;
  auto figure = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(figure) >= kStep && unit + 1 < kUnits.size()) {
    figure /= kStep;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes)
                   : fmt::format("{:.1f} {}", figure, kUnits[unit]);
}

}  // namespace heapwise

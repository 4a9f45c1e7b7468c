#include "bench/inspect/quantities.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>

namespace heapwise {
namespace {

constexpr double kTen = 10;  // from here on without a decimal
constexpr double kHundred = 100;

/// Three digits of a number that is at least 1, all of a larger one.
std::string three_digits(double value) {
  if (value < kTen) return fmt::format("{:.2f}", value);
  if (value < kHundred) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

}  // namespace

std::string size_text(Bytes bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  constexpr double kStep = 1024;
  constexpr double kRoundsUp = 1023.5;  // what three_digits would print as 1024
  if (bytes.value == 0) return "0";
  if (bytes < kKiB) return fmt::format("{} B", bytes.value);
  auto value = static_cast<double>(bytes.value) / kStep;
  std::size_t unit = 0;
  for (; value >= kRoundsUp && unit + 1 < kUnits.size(); ++unit) value /= kStep;
  return three_digits(value) + " " + kUnits[unit];
}

std::string growth_text(std::int64_t bytes) {
  if (bytes == 0) return "0";
  const auto magnitude = static_cast<std::uint64_t>(std::llabs(bytes));
  return (bytes < 0 ? "-" : "+") + size_text({magnitude});
}

std::string count_text(std::uint64_t count) {
  auto digits = std::to_string(count);
  constexpr std::size_t kGroup = 3;
  for (auto at = digits.size(); at > kGroup;) {
    at -= kGroup;
    digits.insert(at, ",");
  }
  return digits;
}

std::string rate_text(double per_second) {
  if (per_second <= 0) return "0";
  if (per_second < kTen) return fmt::format("{:.1f}", per_second);
  return count_text(static_cast<std::uint64_t>(std::llround(per_second)));
}

std::string share_text(double share) {
  const double percent = share * kHundred;
  if (percent <= 0) return "0 %";
  return percent < 1 ? fmt::format("{:.1f} %", percent) : fmt::format("{:.0f} %", percent);
}

std::string seconds_text(Nanoseconds time) {
  constexpr double kPerSecond = 1e9;
  constexpr double kPerMillisecond = 1e6;
  const auto milliseconds = static_cast<double>(time.value) / kPerMillisecond;
  const auto seconds = static_cast<double>(time.value) / kPerSecond;
  if (milliseconds < kTen) return fmt::format("{:.1f} ms", milliseconds);
  if (seconds < 1) return fmt::format("{:.0f} ms", milliseconds);
  return seconds < kTen ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

}  // namespace heapwise

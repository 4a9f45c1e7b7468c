#include "bench/cli/duration.h"

#include <charconv>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

/// Seconds in the unit of that letter, 0 for any other letter.
std::uint64_t seconds_in(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    default:
      return 0;
  }
}

}  // namespace

Nanoseconds parse_duration(const std::string& option, const std::string& text) {
  constexpr std::uint64_t kPerSecond = 1'000'000'000;
  constexpr std::uint64_t kLongestSeconds = 366 * 24 * std::uint64_t{3600};
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const auto unit = rest + 1 == end ? seconds_in(*rest) : 0;
  if (error != std::errc() || unit == 0 || number == 0 || number > kLongestSeconds / unit) {
    throw UsageError(option + " '" + text + "' is not a duration; write 90s, 5m or 1h");
  }
  return {number * unit * kPerSecond};
}

}  // namespace heapwise

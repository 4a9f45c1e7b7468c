#include "bench/core/units.h"

#include <charconv>

namespace heapwise {
namespace {

std::optional<unsigned> shift_of_suffix(char suffix) {
  switch (suffix) {
    case 'K':
      return 10;
    case 'M':
      return 20;
    case 'G':
      return 30;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint64_t> parse_scaled(std::string_view text) {
  if (text.empty()) return std::nullopt;
  unsigned shift = 0;
  if (const auto suffix = shift_of_suffix(text.back())) {
    shift = *suffix;
    text.remove_suffix(1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (shift != 0 && value > (UINT64_MAX >> shift)) return std::nullopt;
  return value << shift;
}

std::string format_scaled(std::uint64_t value) {
  constexpr char kSuffixes[] = {'G', 'M', 'K'};
  constexpr unsigned kShifts[] = {30, 20, 10};
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t unit = std::uint64_t{1} << kShifts[i];
    if (value >= unit && value % unit == 0) return std::to_string(value / unit) + kSuffixes[i];
  }
  return std::to_string(value);
}

}  // namespace heapwise

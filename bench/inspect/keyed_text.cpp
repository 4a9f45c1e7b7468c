#include "bench/inspect/keyed_text.h"

#include <algorithm>
#include <charconv>

namespace heapwise {

constexpr std::string_view kBlanks = " \t\n";

std::string_view trimmed(std::string_view text) {
  const auto last = text.find_last_not_of(kBlanks);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

std::optional<std::string_view> value_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(key) || line.size() == key.size() || line[key.size()] != ':') continue;
    const auto value = line.substr(key.size() + 1);
    return trimmed(value.substr(std::min(value.find_first_not_of(kBlanks), value.size())));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key) {
  const auto value = value_of(text, key);
  return value ? leading_number(*value) : std::nullopt;
}

Bytes bytes_of(std::string_view text, std::string_view key) {
  return {number_of(text, key).value_or(0) * kKiB.value};
}

std::string chosen_of(std::string_view text) {
  const auto open = text.find('[');
  const auto close = text.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return {};
  return std::string(text.substr(open + 1, close - open - 1));
}

}  // namespace heapwise

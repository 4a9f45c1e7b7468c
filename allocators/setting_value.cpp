#include "allocators/setting_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "bench/core/spec.h"
#include "bench/core/units.h"

namespace heapwise {
namespace {

std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<bool> parse_flag(std::string_view text) {
  for (const std::string_view on : {"1", "true", "on", "yes"}) {
    if (text == on) return true;
  }
  for (const std::string_view off : {"0", "false", "off", "no"}) {
    if (text == off) return false;
  }
  return std::nullopt;
}

/// A whole number; sizes and counts may end in K, M or G, and only a negative range takes a sign.
std::optional<std::int64_t> parse_whole(const Setting& setting, std::string_view text) {
  const bool negative = setting.minimum < 0 && text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const bool has_suffix = !text.empty() && (text.back() < '0' || text.back() > '9');
  if (has_suffix && (negative || setting.unit == Unit::kMilliseconds)) return std::nullopt;
  const auto magnitude = parse_scaled(text);
  if (!magnitude) return std::nullopt;
  const auto limit = static_cast<std::uint64_t>(INT64_MAX);
  const auto value = static_cast<std::int64_t>(std::min(*magnitude, limit));
  if (*magnitude > limit) return std::nullopt;
  return negative ? -value : value;
}

[[noreturn]] void reject(std::string_view allocator, const Setting& setting,
                         const std::string& text, const std::string& why) {
  throw UsageError(std::string(allocator) + ": " + std::string(setting.key) + "=" + text + " " +
                   why + "; give " + allowed_values(setting));
}

std::string shortest(double value) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return error == std::errc{} ? std::string(buffer, end) : std::string();
}

}  // namespace

std::string allowed_values(const Setting& setting) {
  if (setting.unit == Unit::kFlag) return "1 or 0 (true or false, on or off, yes or no)";
  if (setting.unit == Unit::kText) {
    std::string list = "one of ";
    for (const auto choice : setting.choices) {
      if (choice != setting.choices.front()) list += ", ";
      list += choice;
    }
    return list;
  }
  std::string text = setting.unit == Unit::kReal           ? "a number"
                     : setting.unit == Unit::kMilliseconds ? "whole milliseconds"
                     : setting.unit == Unit::kBytes ? "a size in bytes, such as 131072 or 128K,"
                                                    : "a whole number";
  text += setting.maximum == INT64_MAX ? " of at least " + std::to_string(setting.minimum)
                                       : " from " + std::to_string(setting.minimum) + " to " +
                                             std::to_string(setting.maximum);
  return text;
}

std::string plain_value(std::string_view allocator, const Setting& setting,
                        const std::string& text) {
  const auto in_range = [&setting](auto value) {
    using Value = decltype(value);
    return value >= static_cast<Value>(setting.minimum) &&
           value <= static_cast<Value>(setting.maximum);
  };
  switch (setting.unit) {
    case Unit::kText:
      if (std::find(setting.choices.begin(), setting.choices.end(), text) ==
          setting.choices.end()) {
        reject(allocator, setting, text, "is not known");
      }
      return text;
    case Unit::kFlag: {
      const auto value = parse_flag(text);
      if (!value) reject(allocator, setting, text, "is not a flag");
      return *value ? "1" : "0";
    }
    case Unit::kReal: {
      const auto value = parse_real(text);
      if (!value) reject(allocator, setting, text, "is not a number");
      if (!in_range(*value)) reject(allocator, setting, text, "is out of range");
      return shortest(*value);
    }
    case Unit::kBytes:
    case Unit::kCount:
    case Unit::kMilliseconds: {
      const auto value = parse_whole(setting, text);
      if (!value) {
        reject(allocator, setting, text, "is not in " + std::string(unit_name(setting.unit)));
      }
      if (!in_range(*value)) reject(allocator, setting, text, "is out of range");
      return std::to_string(*value);
    }
  }
  return text;
}

bool same_value(const Setting& setting, const std::string& left, const std::string& right) {
  if (left == right) return true;
  if (setting.unit == Unit::kFlag) {
    const auto a = parse_flag(left);
    return a && a == parse_flag(right);
  }
  if (setting.unit == Unit::kReal) {
    const auto a = parse_real(left);
    return a && a == parse_real(right);
  }
  return false;
}

}  // namespace heapwise

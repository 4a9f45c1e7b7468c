#include "bench/program/metric_pattern.h"

#include <cmath>
#include <cstdlib>
#include <regex>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

constexpr std::string_view kHigher = ":higher";
constexpr std::string_view kLower = ":lower";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";
/// user_cpu_ns in the records.
constexpr std::string_view kTakenName = "cpu_ns";
/// std::regex recurses with the length of its text.
constexpr std::size_t kLongestLine = 4096;

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw UsageError("the metric '" + text + "' " + why +
                   "; write NAME=REGEX:higher or NAME=REGEX:lower with one group around the "
                   "number, such as 'rps=([0-9.]+) requests per second:higher'");
}

std::regex compile(const std::string& pattern) {
  return std::regex(pattern, std::regex::ECMAScript | std::regex::optimize);
}

std::optional<double> number_of(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(number)) return std::nullopt;
  return number;
}

}  // namespace

std::string MetricPattern::text() const {
  return name + "=" + pattern + std::string(higher_is_better ? kHigher : kLower);
}

MetricPattern parse_metric_pattern(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) refuse(text, "has no '='");
  MetricPattern metric{.name = text.substr(0, equals), .pattern = text.substr(equals + 1)};
  if (metric.name.empty() || metric.name.find_first_not_of(kNameCharacters) != std::string::npos) {
    refuse(text, "has a name that is not of a-z, 0-9 and _");
  }
  if (metric.name == kTakenName) refuse(text, "has the name of a figure that every run has");
  metric.higher_is_better = metric.pattern.ends_with(kHigher);
  const auto direction = metric.higher_is_better ? kHigher : kLower;
  if (metric.pattern.ends_with(direction)) {
    metric.pattern.resize(metric.pattern.size() - direction.size());
  }
  try {
    if (compile(metric.pattern).mark_count() != 1) refuse(text, "does not have exactly one group");
  } catch (const std::regex_error& error) {
    refuse(text, std::string("is not a regular expression (") + error.what() + ")");
  }
  return metric;
}

std::optional<double> find_metric(const MetricPattern& metric, std::string_view output) {
  const auto pattern = compile(metric.pattern);
  std::optional<double> found;
  while (!output.empty()) {
    const auto newline = output.find('\n');
    const std::string line(output.substr(0, std::min(newline, kLongestLine)));
    std::smatch match;
    if (std::regex_search(line, match, pattern)) {
      if (const auto number = number_of(match[1])) found = number;
    }
    output.remove_prefix(newline == std::string_view::npos ? output.size() : newline + 1);
  }
  return found;
}

}  // namespace heapwise

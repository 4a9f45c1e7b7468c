// A figure of the user's own, read from what their program prints: NAME=REGEX[:higher|:lower].
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace heapwise {

struct MetricPattern {
  std::string name;     // [a-z0-9_]+
  std::string pattern;  // ECMAScript, with exactly one group: the number
  bool higher_is_better = false;

  /// As it is typed; parse_metric_pattern(text()) is the same.
  std::string text() const;
  bool operator==(const MetricPattern&) const = default;
};

/// Throws UsageError for text that is no metric: a bad name, a bad expression, no group or several.
MetricPattern parse_metric_pattern(const std::string& text);

/// The number in the last line of `output` that the pattern is found in, or nothing. Lines are
/// searched one by one, the first 4 KiB of each.
std::optional<double> find_metric(const MetricPattern& metric, std::string_view output);

}  // namespace heapwise

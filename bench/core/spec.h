// The one grammar in which allocators and workloads are named on a command line:
//
//     NAME[=PATH][:key=value[,key=value...]]
//
// e.g. `glibc`, `glibc:mmap_threshold=32M,trim_threshold=1G`, `mine=./libmine.so`,
// `large_churn:size=1M,window=1`. Several specs may stand in one text, separated by spaces.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace heapwise {

/// What the user typed is not usable. The message says what failed, the value, and what to do.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct KeyValue {
  std::string key;
  std::string value;
  bool operator==(const KeyValue&) const = default;
};

struct Spec {
  std::string name;
  std::string path;  // empty: found by its name
  std::vector<KeyValue> settings;

  /// The spec in its grammar again; parse_spec(text()) is the same spec.
  std::string text() const;
  const std::string* find(std::string_view key) const;
  bool operator==(const Spec&) const = default;
};

/// One spec. Throws UsageError for text outside the grammar or a key given twice.
Spec parse_spec(std::string_view text);

/// Several specs separated by white space; the empty text is no spec at all.
std::vector<Spec> parse_specs(std::string_view text);

/// The candidate closest to `word` by edit distance, or "" when none is close: "did you mean".
std::string closest_match(std::string_view word, const std::vector<std::string>& candidates);

/// ` (did you mean 'X'?)` or the empty text; for error messages.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace heapwise

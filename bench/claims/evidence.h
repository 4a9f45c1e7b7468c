// What one run of an experiment told: its lines (bench/experiment/report.h), taken apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/run/child.h"
#include "bench/run/json.h"

namespace heapwise {

/// The process after something was done to it; bytes and counts as in bench/experiment/report.h.
struct Step {
  std::string label;
  std::int64_t brk = 0;
  std::int64_t vsz_bytes = 0;
  std::int64_t rss_bytes = 0;
  std::int64_t minor_faults_count = 0;
  std::int64_t major_faults_count = 0;
  std::uint64_t address = 0;  // 0: the step gave none
};

struct CurvePoint {
  double x = 0;
  double y = 0;
};

/// A verdict asked for something that the experiment did not tell.
class MissingEvidence : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Evidence {
 public:
  /// Lines that are not understood are kept as `stray_output`.
  static Evidence parse(std::string_view output);

  /// Throws MissingEvidence, which says how the experiment ended.
  std::int64_t value(const std::string& name) const;
  const std::string& text(const std::string& name) const;
  /// The points of a curve, in the order told; empty where there is none.
  const std::vector<CurvePoint>& curve(const std::string& name) const;
  bool has_value(const std::string& name) const { return values.contains(name); }

  /// Whether it came to its own end; otherwise a signal, a time-out or Ctrl-C cut it short.
  bool ended() const { return texts.contains("ended"); }

  std::map<std::string, std::int64_t> values;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<CurvePoint>> curves;
  std::vector<Step> steps;
  std::string refused;       // what the system did not let it do; empty: nothing
  std::string stray_output;  // of tools it ran, or of a C library that aborts
  std::string errors;        // its standard error
  int exit_code = 0;
  int signal = 0;  // that ended it; 0: none
  bool timed_out = false;
  std::optional<LaunchReport> launch;        // system calls between the experiment's marks, usage
  std::optional<std::uint64_t> kills_count;  // by the memory cgroup it ran in
};

Json to_json(const Evidence& evidence);

}  // namespace heapwise

// What a campaign tells while it runs: one line that is rewritten on a terminal, a plain line now
// and then elsewhere. Always on standard error, so that standard output is the result's.
#pragma once

#include <cstdio>
#include <functional>
#include <string>

#include "bench/core/units.h"

namespace heapwise {

struct ProgressState {
  std::size_t runs_done = 0;
  std::size_t runs_planned = 0;
  Nanoseconds left;  // estimate; 0: not known yet
  std::string doing;
};

class ProgressReporter {
 public:
  struct Sink {
    std::function<void(const std::string&)> write;
    std::function<Nanoseconds()> now;
    bool rewrites_line = false;
    std::size_t columns = 0;  // of a line that is rewritten; 0: any length
  };

  explicit ProgressReporter(Sink sink) : sink_(std::move(sink)) {}

  void update(const ProgressState& state);
  /// A line that stays.
  void note(const std::string& text);
  /// Ends the line that was rewritten.
  void finish();

 private:
  Sink sink_;
  Nanoseconds last_line_;
  bool line_open_ = false;
};

/// Standard error, rewriting its line when it is a terminal.
ProgressReporter::Sink standard_error_sink();

/// `3 min 20 s`, `4 s`, `1 h 05 min`.
std::string format_duration(Nanoseconds duration);

}  // namespace heapwise

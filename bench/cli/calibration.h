// `heapwise gate --aa`: measures the gate itself. The same library under two names says how often
// it alarms without a reason; a library that is made worse by a known amount says what it finds.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/run/interrupt.h"
#include "bench/run/parts.h"

namespace heapwise {

struct CalibrationOptions {
  std::string out;
  std::vector<std::string> allocators;  // empty: glibc
  std::vector<std::string> workloads;   // empty: kCalibrationWorkloads
  unsigned comparisons = 200;
  unsigned injected = 100;
  std::string time = "10s";         // of a comparison
  std::vector<std::string> stages;  // of aa, time, memory; empty: all
  std::uint64_t seed = 0;           // 0: drawn
  bool as_json = false;
};

/// Adds what is --aa's own; `aa` is that flag.
void add_calibration_options(CLI::App& gate, CalibrationOptions& options, CLI::Option* aa);

/// Runs what is left of the campaigns in `out` (aa, time, memory) and prints the tables;
/// returns the exit code.
int calibrate(const CalibrationOptions& options, const std::vector<std::string>& command_line,
              const Parts& parts, Interrupt& interrupt);

}  // namespace heapwise

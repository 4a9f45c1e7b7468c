// The options that `compare` and `gate` share: what is measured, for how long, where it goes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/cli/command_line.h"
#include "bench/cli/duel.h"

namespace heapwise {

struct DuelOptions {
  std::string profile = "quick";
  std::vector<std::string> workloads;
  std::string time_budget;
  unsigned pairs = 0;      // 0: as many as fit
  std::uint64_t seed = 0;  // 0: drawn
  std::string out;
  std::string resume;
};

/// Adds them to a subcommand; all of them exclude --resume, which is returned. `whose_time`: what
/// --time-budget is for.
CLI::Option* add_duel_options(CLI::App& command, DuelOptions& options,
                              const std::string& whose_time);

/// Throws UsageError for sides that are no specs or one twice, and for a time that is none.
DuelRequest duel_request(const std::string& kind, const std::vector<std::string>& sides,
                         const DuelOptions& options, const CommandLine& line);

}  // namespace heapwise

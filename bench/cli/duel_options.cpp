#include "bench/cli/duel_options.h"

#include <random>

#include "bench/cli/duration.h"
#include "bench/run/default_allocators.h"

namespace heapwise {

CLI::Option* add_duel_options(CLI::App& command, DuelOptions& options,
                              const std::string& whose_time) {
  constexpr unsigned kMostPairs = 10'000;
  auto* resume = command.add_option("--resume", options.resume, "go on with what is in DIR");
  const auto planned = [&](CLI::Option* option) { return option->excludes(resume); };
  planned(command.add_option("--profile", options.profile, "whose workloads"))
      ->capture_default_str();
  planned(command.add_option("--workloads", options.workloads,
                             "specs, separated by spaces; repeatable (default: the profile's)"))
      ->allow_extra_args(false);
  auto* budget = planned(command.add_option(
      "--time-budget", options.time_budget,
      "for " + whose_time + ": 90s, 5m (default: 10s a workload, or what a verdict takes)"));
  planned(command.add_option("--pairs", options.pairs,
                             "so many pairs of processes a workload, however long they take; 8 or "
                             "more for a verdict"))
      ->check(CLI::Range(1U, kMostPairs))
      ->excludes(budget);
  planned(command.add_option("--seed", options.seed, "of all random order (default: drawn)"))
      ->check(CLI::PositiveNumber);
  planned(
      command.add_option("--out", options.out, "folder for the results (default: results/...)"));
  return resume;
}

DuelRequest duel_request(const std::string& kind, const std::vector<std::string>& sides,
                         const DuelOptions& options, const CommandLine& line) {
  const auto specs = chosen_allocators(sides);
  return {.kind = kind,
          .command_line = line.all,
          .profile = options.profile,
          .workloads = parse_workloads(options.workloads),
          .baseline = specs.at(0),
          .candidate = specs.at(1),
          .time_budget = options.time_budget.empty()
                             ? Nanoseconds{}
                             : parse_duration("--time-budget", options.time_budget),
          .pairs = options.pairs,
          .seed = options.seed != 0 ? options.seed : std::uint64_t{std::random_device()()} + 1};
}

}  // namespace heapwise

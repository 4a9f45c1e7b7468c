// `heapwise try`: the user's own program, or server under load, under each allocator.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>

#include "bench/cli/campaign_session.h"
#include "bench/cli/command_line.h"
#include "bench/cli/duration.h"
#include "bench/cli/memory_limit_option.h"
#include "bench/cli/program_options.h"
#include "bench/cli/terminal.h"
#include "bench/core/clock.h"
#include "bench/program/program_groups.h"
#include "bench/run/default_allocators.h"

namespace heapwise {
namespace {

constexpr const char* kFooter =
    "Usage: heapwise try [OPTIONS] -- COMMAND [ARGS...]\n"
    "       heapwise try [OPTIONS] --serve 'SERVER' --drive 'CLIENT'\n"
    "\n"
    "Examples:\n"
    "  heapwise try -- python3 -c 'print(sum(range(10**7)))'\n"
    "  heapwise try --allocators 'glibc jemalloc' --repetitions 20 -- ./service --once\n"
    "  heapwise try --check-file out.png -- ./render scene out.png\n"
    "  heapwise try --memory-limit 512M -- ./service --once\n"
    "  heapwise try --serve 'exec redis-server --port 0 --unixsocket $HEAPWISE_RUN_DIR/s' \\\n"
    "      --drive 'redis-benchmark -s $HEAPWISE_RUN_DIR/s -n 200000 -t set --csv' \\\n"
    "      --metric 'rps=^\"SET\",\"([0-9.]+)\":higher' --filter 'grep -c SET' --name redis\n"
    "\n"
    "Every block runs the program once under each allocator, in random order; then one more run\n"
    "estimates malloc's share of its memory. Only the program itself, with all the processes it\n"
    "starts, runs under the allocator; the client and all other commands run as they are. Their\n"
    "variables: HEAPWISE_RUN_DIR, an empty folder of each run's own with a short path;\n"
    "HEAPWISE_PORT, a free TCP port; HEAPWISE_SETUP_DIR, a folder that all runs share.\n"
    "There is no terminal to read from. Output goes to files, of which size and digest are "
    "compared\n"
    "with the baseline's; the texts of the first block and of failed runs are kept in DIR/output.\n"
    "The spec as_linked is the malloc the program itself was linked with.\n"
    "\n"
    "--memory-limit holds the program, with all processes it starts, to so much memory, and\n"
    "neither client nor other commands. Files that it writes, or reads first, count while cached;\n"
    "those that were cached before do not. A run that fails because the kernel kills a process\n"
    "there is out_of_memory. It takes root, or on cgroup v2 a group of one's own:\n"
    "  systemd-run --user --scope -p Delegate=yes heapwise try --memory-limit 512M -- COMMAND";

/// Until the baseline's time is known a command may take this long.
constexpr Nanoseconds kFirstTimeout{3'600'000'000'000};

struct Options {
  std::vector<std::string> allocators;
  unsigned repetitions = 10;
  unsigned warm_ups = 1;
  std::string time_budget;
  std::string memory_limit;
  std::string timeout = "30s";
  std::string out;
  std::string resume;
  ProgramWords program;
  LimitWords limits;
  bool as_json = false;
};

/// The user's own malloc variables: they reach the program, and are told.
std::vector<std::string> users_malloc_variables() {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto name = text.substr(0, text.find('='));
    const auto patterns = allocator_variables();
    const bool matches = std::ranges::any_of(
        patterns, [&](std::string_view pattern) { return variable_matches(pattern, name); });
    if (!matches) continue;
    kept.emplace_back(name);
    print_note(fmt::format("your own {} reaches every run", text));
  }
  return kept;
}

Manifest plan_program(const ProgramDescription& program, const Options& options,
                      const CommandLine& line) {
  Manifest manifest{.kind = "try",
                    .created_unix_ns = read_clock(CLOCK_REALTIME).value,
                    .command_line = line.all,
                    .profile = "",
                    .memory_limit = parse_memory_limit(options.memory_limit)};
  if (!options.time_budget.empty()) {
    manifest.time_budget = parse_duration("--time-budget", options.time_budget);
  }
  manifest.plan.seed = std::uint64_t{std::random_device()()} + 1;
  manifest.plan.groups =
      make_program_groups(program, {.workload = "command",
                                    .allocators = chosen_allocators(options.allocators),
                                    .blocks = options.repetitions});
  manifest.programs.push_back(to_json(program));
  validate(manifest.plan);
  return manifest;
}

/// What was typed, or nothing where a campaign is resumed: then the manifest says it.
std::optional<ProgramDescription> typed_program(const Options& options, const CommandLine& line) {
  if (options.resume.empty()) return describe_program(options.program, line);
  if (line.command.empty()) return std::nullopt;
  throw UsageError("--resume goes on with the program that was begun; leave out '-- " +
                   line.command.front() + "'");
}

int run_try(const Options& options, const CommandLine& line) {
  parse_memory_limit(options.memory_limit);  // a wrong value is told before anything is looked for
  SessionOptions session{.campaign = {.least_timeout = parse_duration("--timeout", options.timeout),
                                      .first_timeout = kFirstTimeout,
                                      .warm_ups = options.warm_ups},
                         .program = program_limits(options.limits),
                         .as_json = options.as_json};
  const auto program = typed_program(options, line);
  const auto parts = find_parts();
  Interrupt interrupt;
  auto prepared =
      program ? prepare_new(plan_program(*program, options, line),
                            result_folder_of(options.out, "try", folder_name(*program)), parts)
              : prepare_resumed(options.resume, "try", parts);
  session.program.kept = users_malloc_variables();
  return run_session(std::move(prepared), std::move(session), parts, interrupt);
}

}  // namespace

Subcommand add_try(CLI::App& app) {
  auto* command = app.add_subcommand("try", "run any program or server under each allocator");
  command->footer(kFooter);
  auto options = std::make_shared<Options>();
  auto* resume = command->add_option("--resume", options->resume, "go on with the campaign in DIR");
  const auto planned = [&](CLI::Option* option) { option->excludes(resume); };
  planned(command
              ->add_option("--allocators", options->allocators,
                           "specs, separated by spaces; repeatable (default: all)")
              ->allow_extra_args(false));
  constexpr unsigned kMostRepetitions = 10000;
  planned(
      command->add_option("--repetitions", options->repetitions, "blocks; 8 or more for a verdict")
          ->check(CLI::Range(1U, kMostRepetitions))
          ->capture_default_str());
  command->add_option("--warmup", options->warm_ups, "unrecorded runs under each allocator first")
      ->check(CLI::Range(0U, kMostRepetitions))
      ->capture_default_str();
  planned(command->add_option("--time-budget", options->time_budget,
                              "begin no block that would not end within it: 90s, 5m, 1h"));
  planned(add_memory_limit_option(*command, options->memory_limit));
  command
      ->add_option("--timeout", options->timeout,
                   "what a run is given at least before it counts as hung; 10 times the baseline's "
                   "median where that is more")
      ->capture_default_str();
  planned(
      command->add_option("--out", options->out, "folder for the results (default: results/...)"));
  for (auto* option : add_program_options(*command, options->program)) planned(option);
  add_limit_options(*command, options->limits);
  command->add_flag("--json", options->as_json, "print summary.json instead of the table");
  return {command, [options](const CommandLine& line) { return run_try(*options, line); }};
}

}  // namespace heapwise

// `heapwise try`: the user's own command under each allocator.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>

#include "bench/cli/command_line.h"
#include "bench/cli/conclusion.h"
#include "bench/cli/duration.h"
#include "bench/cli/terminal.h"
#include "bench/core/clock.h"
#include "bench/run/campaign.h"
#include "bench/run/command_runner.h"
#include "bench/run/default_allocators.h"
#include "bench/run/groups.h"
#include "bench/run/manifest.h"
#include "bench/run/program_file.h"
#include "bench/run/result_folder.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFooter =
    "Usage: heapwise try [OPTIONS] -- COMMAND [ARGS...]\n"
    "\n"
    "Examples:\n"
    "  heapwise try -- python3 -c 'print(sum(range(10**7)))'\n"
    "  heapwise try --allocators 'glibc jemalloc' --repetitions 20 -- ./service --once\n"
    "  heapwise try --check-file out.png -- ./render scene out.png\n"
    "Every block runs the command once under each allocator, in random order. Standard input is\n"
    "empty; standard output and error go to files of which size and digest are recorded, and the\n"
    "texts of the first block and of failed runs are kept in DIR/output. The spec as_linked is\n"
    "the malloc the program itself was linked with.";

/// Until the baseline's time is known a command may take this long.
constexpr Nanoseconds kFirstTimeout{3'600'000'000'000};

struct Options {
  std::vector<std::string> allocators;
  unsigned repetitions = 10;
  unsigned warm_ups = 1;
  std::string time_budget;
  std::string timeout = "30s";
  std::string out;
  std::string check_file;
  int expected_exit_code = 0;
  bool as_json = false;
};

std::string require_program(const std::vector<std::string>& command) {
  if (command.empty()) {
    throw UsageError("try needs a command after '--'; e.g. heapwise try -- ./service --once");
  }
  if (const auto program = find_program(command.front())) return *program;
  throw UsageError("cannot find a program '" + command.front() +
                   "' that may be executed; give its path, such as ./" +
                   fs::path(command.front()).filename().string());
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// The user's own malloc variables: they reach the command, and are told.
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

Manifest plan_command(const Options& options, const CommandLine& line) {
  const auto allocators = chosen_allocators(options.allocators);
  Group group{.workload = "command",
              .parameters = {{"command", joined(line.command)}},
              .threads = 1,
              .pass = "command",
              .blocks = options.repetitions,
              .purpose = Purpose::kCommand,
              .baseline = choose_baseline(allocators),
              .allocators = {}};
  for (const auto& spec : allocators) group.allocators.push_back(spec.text());
  Manifest manifest{.kind = "try",
                    .created_unix_ns = read_clock(CLOCK_REALTIME).value,
                    .command_line = line.all,
                    .profile = ""};
  if (!options.time_budget.empty()) {
    manifest.time_budget = parse_duration("--time-budget", options.time_budget);
  }
  manifest.plan = {.seed = std::uint64_t{std::random_device()()} + 1, .groups = {group}};
  validate(manifest.plan);
  return manifest;
}

std::string make_output_folder(const ResultFolder& folder) {
  const auto path = folder.file("output");
  std::error_code error;
  fs::create_directory(path, error);
  if (!error) return path;
  throw RunError("cannot make the folder '" + path + "': " + error.message() +
                 "; choose another with --out");
}

int run_try(const Options& options, const CommandLine& line) {
  const auto program = require_program(line.command);
  const auto parts = find_parts();
  const CampaignOptions base{.time_budget = {},
                             .least_timeout = parse_duration("--timeout", options.timeout),
                             .first_timeout = kFirstTimeout,
                             .warm_ups = options.warm_ups};
  const auto manifest = plan_command(options, line);
  auto candidates = resolve_candidates(specs_of(manifest.plan), parts);
  const auto folder = ResultFolder::create(
      options.out.empty() ? default_result_folder("try", fs::path(program).filename().string())
                          : options.out);
  folder.write_manifest(to_json(manifest, candidates));
  Journal journal(folder.file("runs.jsonl"));

  Interrupt interrupt;
  CommandOptions command{.command = line.command,
                         .expected_exit_code = options.expected_exit_code,
                         .check_file = options.check_file,
                         .output_folder = make_output_folder(folder),
                         .kept = users_malloc_variables()};
  command.command.front() = program;
  verify_settings(candidates, parts, command.kept, interrupt);
  CommandRunner runner(command, parts, candidates, interrupt);
  ProgressReporter progress(standard_error_sink());
  auto campaign_options = base;
  campaign_options.time_budget = manifest.time_budget;
  Campaign campaign(manifest.plan, campaign_options,
                    {runner, journal, progress, interrupt, monotonic_now});
  const auto result = campaign.run();
  return conclude({.result = result,
                   .folder = folder.path(),
                   .go_on = "Its complete blocks can be summarised; try itself starts anew.",
                   .as_json = options.as_json},
                  parts, interrupt);
}

}  // namespace

Subcommand add_try(CLI::App& app) {
  auto* command = app.add_subcommand("try", "run any program under each allocator");
  command->footer(kFooter);
  auto options = std::make_shared<Options>();
  command
      ->add_option("--allocators", options->allocators,
                   "specs, separated by spaces; repeatable (default: all)")
      ->allow_extra_args(false);
  constexpr unsigned kMostRepetitions = 10000;
  constexpr int kLargestExitCode = 255;
  command->add_option("--repetitions", options->repetitions, "blocks; 8 or more for a verdict")
      ->check(CLI::Range(1U, kMostRepetitions))
      ->capture_default_str();
  command->add_option("--warmup", options->warm_ups, "unrecorded runs under each allocator first")
      ->check(CLI::Range(0U, kMostRepetitions))
      ->capture_default_str();
  command->add_option("--time-budget", options->time_budget,
                      "begin no block that would not end within it: 90s, 5m, 1h");
  command
      ->add_option("--timeout", options->timeout,
                   "what a run is given at least before it counts as hung; 10 times the baseline's "
                   "median where that is more")
      ->capture_default_str();
  command->add_option("--out", options->out, "folder for the results (default: results/...)");
  command->add_option("--check-file", options->check_file,
                      "a file the command writes, which must come out the same every time");
  command->add_option("--expect-exit", options->expected_exit_code, "exit code that means success")
      ->check(CLI::Range(0, kLargestExitCode))
      ->capture_default_str();
  command->add_flag("--json", options->as_json, "print summary.json instead of the table");
  return {command, [options](const CommandLine& line) { return run_try(*options, line); }};
}

}  // namespace heapwise

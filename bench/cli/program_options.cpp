#include "bench/cli/program_options.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "bench/cli/duration.h"
#include "bench/core/spec.h"
#include "bench/program/program_file.h"
#include "bench/run/environment.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

std::string require_program(const std::string& name) {
  if (const auto program = find_program(name)) return fs::absolute(*program).string();
  throw UsageError("cannot find a program '" + name +
                   "' that may be executed; give its path, such as ./" +
                   fs::path(name).filename().string());
}

std::string require_file(const std::string& path) {
  if (path.empty()) return path;
  if (access(path.c_str(), R_OK) == 0 && fs::is_regular_file(path)) {
    return fs::absolute(path).string();
  }
  throw UsageError("--input '" + path + "' is not a file that can be read");
}

std::vector<MetricPattern> parse_metrics(const std::vector<std::string>& texts) {
  std::vector<MetricPattern> metrics;
  for (const auto& text : texts) {
    metrics.push_back(parse_metric_pattern(text));
    const auto& name = metrics.back().name;
    if (std::ranges::count(metrics, name, &MetricPattern::name) > 1) {
      throw UsageError("the metric '" + name + "' is given twice; name each once");
    }
  }
  return metrics;
}

/// What must stay free for the rest of the machine when nothing else is said: 2 % of its memory,
/// 256 MiB at least, but never more than a tenth of what is free now.
Bytes default_memory_floor() {
  constexpr std::uint64_t kShareOfAll = 50;
  constexpr std::uint64_t kShareOfFree = 10;
  constexpr Bytes kLeast{256 * kMiB.value};
  const auto all = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                   static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const Bytes wanted{std::max(all / kShareOfAll, kLeast.value)};
  return std::min(wanted, Bytes{available_memory().value / kShareOfFree});
}

Bytes parse_bytes(const std::string& option, const std::string& text) {
  if (const auto bytes = parse_scaled(text)) return {*bytes};
  throw UsageError(option + " '" + text + "' is not a size; write 64M, 2G or plain bytes");
}

}  // namespace

std::vector<CLI::Option*> add_program_options(CLI::App& command, ProgramWords& words) {
  constexpr int kLargestExitCode = 255;
  std::vector<CLI::Option*> options;
  std::string group = "A server under load";
  const auto add = [&](CLI::Option* option) { options.push_back(option->group(group)); };
  const auto text = [&](const char* name, std::string& value, const char* help) {
    add(command.add_option(name, value, help));
  };
  const auto texts = [&](const char* name, std::vector<std::string>& values, const char* help) {
    add(command.add_option(name, values, help)->allow_extra_args(false));
  };
  text("--serve", words.serve, "shell command that starts a server, instead of a command after --");
  text("--drive", words.drive, "shell command of a client that puts load on it and then ends");
  text("--ready", words.ready,
       "shell command that succeeds once it is ready (default: it listens on a socket)");
  text("--stop", words.stop, "shell command that ends it (default: SIGTERM)");
  add(command
          .add_option("--timing", words.timing,
                      "whole: from start to end; serve: while the client runs (the default of a "
                      "server)")
          ->check(CLI::IsMember({"whole", "serve"})));
  group = "Around a run";
  text("--name", words.name, "what tables and pictures call it (default: the command)");
  text("--setup", words.setup, "shell command once before all runs; see HEAPWISE_SETUP_DIR");
  text("--prepare", words.prepare, "shell command before each run, not timed");
  text("--input", words.input, "file for standard input (default: nothing to read)");
  group = "What comes of a run";
  texts("--metric", words.metrics,
        "a figure in the output: 'rps=([0-9.]+) requests per second:higher'; repeatable");
  texts("--check-file", words.check_files,
        "a file that each run writes and that must come out the same; repeatable");
  text("--digest", words.digest,
       "shell command whose output, after the work, must be the same: the state of a database");
  text("--filter", words.filter,
       "shell command that standard output goes through before it is compared, such as sed "
       "'s/[0-9.]* ms//'");
  add(command.add_option("--expect-exit", words.expected_exit_code, "exit code that means success")
          ->check(CLI::Range(0, kLargestExitCode))
          ->capture_default_str());
  return options;
}

void add_limit_options(CLI::App& command, LimitWords& words) {
  const auto limit = [&](const char* name, std::string& value, const char* help) {
    command.add_option(name, value, help)->capture_default_str()->group("Limits");
  };
  limit("--ready-timeout", words.ready_timeout, "what a server is given until it is ready");
  limit("--stop-timeout", words.stop_timeout, "what a server is given to end before it is killed");
  limit("--output-limit", words.output_limit, "stop a run that prints more than this");
  limit("--memory-floor", words.memory_floor,
        "stop a run that leaves the machine less memory than this (default: 2 % of it, 256M at "
        "least)");
}

ProgramDescription describe_program(const ProgramWords& words, const CommandLine& line) {
  ProgramDescription program{.argv = line.command,
                             .serve = words.serve,
                             .ready = words.ready,
                             .drive = words.drive,
                             .stop = words.stop,
                             .setup = words.setup,
                             .prepare = words.prepare,
                             .digest = words.digest,
                             .filter = words.filter,
                             .check_files = words.check_files,
                             .metrics = parse_metrics(words.metrics),
                             .input = require_file(words.input),
                             .directory = fs::current_path().string(),
                             .expected_exit_code = words.expected_exit_code};
  program.timing = words.timing == "serve" || (words.timing.empty() && program.is_served())
                       ? Timing::kServe
                       : Timing::kWhole;
  require_consistent(program);
  program.title = words.name;
  if (program.is_served()) {
    if (program.title.empty()) program.title = program.serve + ", driven by " + program.drive;
    return program;
  }
  if (program.argv.empty()) {
    throw UsageError(
        "try needs a command after '--', e.g. heapwise try -- ./service --once, or a server: "
        "heapwise try --serve 'SERVER' --drive 'CLIENT'");
  }
  if (program.title.empty()) program.title = shell_text(program.argv);
  program.argv.front() = require_program(program.argv.front());
  return program;
}

ProgramOptions program_limits(const LimitWords& words) {
  return {.output_folder = {},
          .kept = {},
          .ready_timeout = parse_duration("--ready-timeout", words.ready_timeout),
          .stop_timeout = parse_duration("--stop-timeout", words.stop_timeout),
          .most_output = parse_bytes("--output-limit", words.output_limit),
          .least_available = words.memory_floor.empty()
                                 ? default_memory_floor()
                                 : parse_bytes("--memory-floor", words.memory_floor)};
}

std::string folder_name(const ProgramDescription& program) {
  const auto first =
      program.is_served() ? program.serve.substr(0, program.serve.find(' ')) : program.argv.front();
  const auto name = fs::path(first).filename().string();
  return name.empty() ? "program" : name;
}

}  // namespace heapwise

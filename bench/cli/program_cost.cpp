#include "bench/cli/program_cost.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/cli/program_options.h"
#include "bench/core/clock.h"
#include "bench/program/program_groups.h"
#include "bench/run/child.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

const char* const kTrue = "/bin/true";
constexpr std::size_t kRounds = 61;
constexpr double kNanosecondsPerMillisecond = 1e6;
constexpr Nanoseconds kTimeout{10'000'000'000};

/// One round: the same program started in each way, right after one another.
struct Round {
  double bare_ms = 0;           // posix_spawn and waitpid, as any parent does it
  double launched_ms = 0;       // through the launcher, nothing preloaded
  double witnessed_ms = 0;      // the witness preloaded
  double tried_ms = 0;          // as a whole run of `try`
  double launched_rss_mib = 0;  // the program's own peak
  double witnessed_rss_mib = 0;
};

double milliseconds_since(Nanoseconds begun) {
  return static_cast<double>((monotonic_now() - begun).value) / kNanosecondsPerMillisecond;
}

double spawn_bare() {
  char* const arguments[] = {const_cast<char*>(kTrue), nullptr};
  const auto begun = monotonic_now();
  pid_t process = 0;
  if (posix_spawn(&process, kTrue, nullptr, nullptr, arguments, environ) != 0) {
    throw RunError(std::string("cannot start ") + kTrue + ", which the cost is measured on");
  }
  waitpid(process, nullptr, 0);
  return milliseconds_since(begun);
}

/// Elapsed milliseconds and the peak RSS of the program itself, in MiB.
std::pair<double, double> launch(const Parts& parts, std::vector<std::string> environment,
                                 Interrupt& interrupt) {
  const auto begun = monotonic_now();
  Child child({.launcher = parts.launcher,
               .launch_options = {},
               .command = {kTrue},
               .environment = std::move(environment)});
  const auto end = child.finish(deadline_after(kTimeout), interrupt);
  const auto elapsed = milliseconds_since(begun);
  const auto rss = end.report ? end.report->peak_rss_bytes : 0;
  return {elapsed, static_cast<double>(rss) / static_cast<double>(kMiB.value)};
}

/// Runs `true` as `try` does, again and again.
class TriedTrue {
 public:
  TriedTrue(const Parts& parts, Interrupt& interrupt)
      : candidates_(resolve_candidates({parse_spec("glibc")}, parts)),
        runner_({program()}, options(folder_), parts, candidates_, interrupt) {}

  double run() {
    const auto begun = monotonic_now();
    const auto result = runner_.run(request_);
    if (result.status != Status::kOk) {
      throw RunError(std::string("cannot try ") + kTrue + ": " + result.status_detail);
    }
    return milliseconds_since(begun);
  }

 private:
  static ProgramDescription program() {
    ProgramDescription program{.title = "true", .argv = {kTrue}};
    program.directory = std::filesystem::current_path().string();
    return program;
  }
  static ProgramOptions options(const ScratchFolder& folder) {
    auto options = program_limits({});
    options.output_folder = folder.path();
    return options;
  }

  ScratchFolder folder_;
  Candidates candidates_;
  ProgramRunner runner_;
  RunRequest request_{.run_id = "true",
                      .cell = {"command", {{"command", "true"}}, "glibc", 1, "command"},
                      .timeout = kTimeout,
                      .warm_up = true};
};

std::vector<Round> measure(const Parts& parts, Interrupt& interrupt) {
  const ScratchFolder folder;
  const std::vector<std::string> witnessed{"LD_PRELOAD=" + parts.witness,
                                           "HEAPWISE_WITNESS_FILE=" + folder.file("witness")};
  TriedTrue tried(parts, interrupt);
  std::vector<Round> rounds;
  while (rounds.size() < kRounds && !interrupt.requested()) {
    Round round;
    round.bare_ms = spawn_bare();
    std::tie(round.launched_ms, round.launched_rss_mib) = launch(parts, {}, interrupt);
    std::tie(round.witnessed_ms, round.witnessed_rss_mib) = launch(parts, witnessed, interrupt);
    round.tried_ms = tried.run();
    rounds.push_back(round);
  }
  return rounds;
}

double median_difference(const std::vector<Round>& rounds, double Round::*more,
                         double Round::*less) {
  std::vector<double> differences;
  for (const auto& round : rounds) differences.push_back(round.*more - round.*less);
  std::ranges::sort(differences);
  return differences[differences.size() / 2];
}

}  // namespace

Json program_cost_rows(const Parts& parts, Interrupt& interrupt) {
  const auto rounds = measure(parts, interrupt);
  if (interrupt.requested()) return Json::array();
  const auto how =
      fmt::format("true started in all ways in turn, median of {} differences", kRounds);
  const auto row = [&](const char* name, double value, const char* unit, double target) {
    return Json{{"name", name}, {"value", value}, {"unit", unit}, {"target", target}, {"how", how}};
  };
  return {
      row("a program started through the launcher with the witness, above posix_spawn",
          median_difference(rounds, &Round::witnessed_ms, &Round::bare_ms), "ms", 2),
      row("  of that the witness",
          median_difference(rounds, &Round::witnessed_ms, &Round::launched_ms), "ms", 1),
      row("peak RSS of a program with the witness, above without",
          median_difference(rounds, &Round::witnessed_rss_mib, &Round::launched_rss_mib), "MiB", 1),
      row("a whole run of `try` on true, above posix_spawn",
          median_difference(rounds, &Round::tried_ms, &Round::bare_ms), "ms", 10)};
}

}  // namespace heapwise

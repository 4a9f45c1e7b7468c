// `heapwise bench`: plan or resume, check, run, conclude.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <sstream>

#include "bench/cli/campaign_session.h"
#include "bench/cli/command_line.h"
#include "bench/cli/duration.h"
#include "bench/cli/memory_limit_option.h"
#include "bench/cli/program_options.h"
#include "bench/cli/self_cost.h"
#include "bench/cli/terminal.h"
#include "bench/core/clock.h"
#include "bench/program/app_catalogue.h"
#include "bench/program/program_groups.h"
#include "bench/run/default_allocators.h"
#include "bench/run/groups.h"
#include "bench/run/profile.h"
#include "bench/run/scaling.h"

namespace heapwise {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  heapwise bench\n"
    "  heapwise bench --profile smoke --allocators 'glibc jemalloc'\n"
    "  heapwise bench --allocators glibc --allocators glibc:mmap_threshold=64M,trim_threshold=1G "
    "\\\n"
    "                 --workloads large_churn:size=4M,window=8 --time-budget 90s\n"
    "  heapwise bench --workloads small_churn --passes 'memory fragmentation'\n"
    "  heapwise bench --scale 1,2,4,8                      what more threads bring\n"
    "  heapwise bench --allocators 'glibc mine=./libmine.so'\n"
    "  heapwise bench --workloads small_churn:live=1M --memory-limit 300M   who lives on that?\n"
    "  heapwise bench --workloads apps                     real programs: redis, postgres, ...\n"
    "  heapwise bench --workloads 'apps/redis apps/sqlite3'\n"
    "Ctrl-C ends cleanly; --resume DIR goes on with the same plan.\n"
    "\n"
    "--memory-limit shows who lives on how much. Without swap the kernel kills the runs of an\n"
    "allocator that needs more (out_of_memory, exit code 1); with swap it slows them down, and\n"
    "time and major faults say how much. It takes root, or on cgroup v2 a group of one's own:\n"
    "  systemd-run --user --scope -p Delegate=yes heapwise bench --memory-limit 300M";

struct Options {
  std::string profile = "quick";
  std::vector<std::string> allocators;
  std::vector<std::string> workloads;
  std::vector<std::string> passes;
  std::string scale;
  std::string time_budget;
  std::string memory_limit;
  std::string timeout;     // empty: the profile's
  std::uint64_t seed = 0;  // 0: drawn
  std::string out;
  std::string resume;
  bool as_json = false;
  bool self = false;
};

std::uint64_t draw_seed() {
  std::random_device device;  // 32 bits: short enough to be typed again
  return std::uint64_t{device()} + 1;
}

/// What --workloads names, apart: those of the worker, and real programs.
struct ChosenWork {
  std::vector<Spec> workloads;
  std::vector<ProgramDescription> apps;
};

/// Leaves out the apps that cannot run here, and says what they miss; one that was asked for by its
/// own name must be there.
void choose_runnable(const std::vector<ProgramDescription>& apps, const std::string& word,
                     ChosenWork& work) {
  for (const auto& app : choose_apps(apps, word)) {
    const auto missing = missing_programs(app);
    const auto is_chosen = [&](const auto& chosen) { return chosen.name == app.name; };
    if (std::ranges::any_of(work.apps, is_chosen)) {
      throw UsageError("the app '" + word + "' is named twice; name each once");
    }
    if (missing.empty()) {
      work.apps.push_back(app);
      continue;
    }
    const auto words = workload_name(app) + ": " + missing_words(app, missing);
    if (word != kApps) throw UsageError(words);
    print_note("left out: " + words);
  }
}

std::vector<std::string> words_of(const std::vector<std::string>& texts) {
  std::vector<std::string> words;
  for (const auto& text : texts) {
    std::istringstream stream(text);
    for (std::string word; stream >> word;) words.push_back(word);
  }
  return words;
}

ChosenWork choose_work(const std::vector<std::string>& texts, const Parts& parts) {
  ChosenWork work;
  for (const auto& word : words_of(texts)) {
    if (names_apps(word)) {
      choose_runnable(read_apps(parts.apps), word, work);
    } else {
      work.workloads.push_back(parse_spec(word));
    }
  }
  if (!texts.empty() && work.workloads.empty() && work.apps.empty()) {
    throw UsageError("none of the apps can run here; install what they need: " +
                     std::string("scripts/bootstrap apps"));
  }
  return work;
}

std::string list_of(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

/// The workloads at each number of threads; says which are left out, and which threads share CPUs.
std::vector<Spec> scaled(const Options& options, const ChosenWork& work) {
  if (!work.apps.empty()) {
    throw UsageError(workload_name(work.apps.front()) +
                     " has no parameter 'threads' that --scale could change; leave out apps");
  }
  const auto threads = parse_scale(options.scale);
  auto scaling = scale_workloads(find_profile(options.profile), work.workloads, threads);
  for (const auto& words : scaling.left_out) print_note("left out: " + words);
  const auto cpus = sysconf(_SC_NPROCESSORS_ONLN);
  std::vector<std::string> beyond;
  for (const unsigned number : threads) {
    if (number > cpus) beyond.push_back(std::to_string(number));
  }
  if (!beyond.empty()) {
    print_note(
        fmt::format("more threads than CPUs, which they share: {} on {}", list_of(beyond), cpus));
  }
  return scaling.workloads;
}

Manifest plan_campaign(const Options& options, const CommandLine& line, const Parts& parts) {
  const auto& profile = find_profile(options.profile);
  const auto allocators = chosen_allocators(options.allocators);
  auto work = choose_work(options.workloads, parts);
  if (!options.scale.empty()) work.workloads = scaled(options, work);
  Manifest manifest{.kind = "bench",
                    .created_unix_ns = read_clock(CLOCK_REALTIME).value,
                    .command_line = line.all,
                    .profile = options.profile,
                    .memory_limit = parse_memory_limit(options.memory_limit)};
  if (!options.time_budget.empty()) {
    manifest.time_budget = parse_duration("--time-budget", options.time_budget);
  }
  manifest.plan.seed = options.seed != 0 ? options.seed : draw_seed();
  if (work.apps.empty() || !work.workloads.empty()) {
    manifest.plan.groups = make_groups(profile, {.allocators = allocators,
                                                 .workloads = work.workloads,
                                                 .passes = words_of(options.passes)});
  }
  for (const auto& app : work.apps) {
    const auto groups = make_program_groups(app, {.workload = workload_name(app),
                                                  .allocators = allocators,
                                                  .blocks = profile.program_blocks});
    manifest.plan.groups.insert(manifest.plan.groups.end(), groups.begin(), groups.end());
    manifest.programs.push_back(to_json(app));
  }
  validate(manifest.plan);
  return manifest;
}

int run_bench(const Options& options, const CommandLine& line) {
  if (!line.command.empty()) {
    throw UsageError("bench takes no command after '--' ('" + line.command.front() +
                     "'); to measure a program: heapwise try -- COMMAND");
  }
  // A wrong value is told before anything is looked for or made.
  if (!options.scale.empty()) parse_scale(options.scale);
  if (!options.timeout.empty()) parse_duration("--timeout", options.timeout);
  if (!options.time_budget.empty()) parse_duration("--time-budget", options.time_budget);
  parse_memory_limit(options.memory_limit);
  find_profile(options.profile);
  const auto parts = find_parts();
  Interrupt interrupt;
  if (options.self) return print_self_cost(parts, options.as_json, interrupt);
  auto prepared = options.resume.empty()
                      ? prepare_new(plan_campaign(options, line, parts),
                                    result_folder_of(options.out, "bench", options.profile), parts)
                      : prepare_resumed(options.resume, "bench", parts);
  const auto least_timeout = options.timeout.empty()
                                 ? find_profile(prepared.manifest.profile).run_timeout
                                 : parse_duration("--timeout", options.timeout);
  return run_session(std::move(prepared),
                     {.campaign = {.least_timeout = least_timeout,
                                   .first_timeout = {2 * least_timeout.value},
                                   .warm_ups = 1,
                                   .warms_up_baseline_only = true},
                      .program = program_limits({}),
                      .as_json = options.as_json},
                     parts, interrupt);
}

}  // namespace

Subcommand add_bench(CLI::App& app) {
  auto* bench = app.add_subcommand("bench", "measure all workloads on all allocators");
  bench->footer(kFooter);
  auto options = std::make_shared<Options>();
  std::string profiles;
  std::string timeouts;
  for (const auto& profile : all_profiles()) {
    profiles +=
        fmt::format("{}{}: {}", profiles.empty() ? "" : "; ", profile.name, profile.summary);
    timeouts += fmt::format("{}{} {}s", timeouts.empty() ? "" : ", ", profile.name,
                            profile.run_timeout.value / 1'000'000'000);
  }
  auto* resume = bench->add_option("--resume", options->resume, "go on with the campaign in DIR");
  auto* self = bench->add_flag("--self", options->self, "measure the harness's own cost instead");
  const auto planned = [&](CLI::Option* option) { option->excludes(resume)->excludes(self); };
  planned(bench->add_option("--profile", options->profile, profiles)->capture_default_str());
  planned(bench
              ->add_option("--allocators", options->allocators,
                           "specs, separated by spaces; repeatable (default: all)")
              ->allow_extra_args(false));
  planned(bench
              ->add_option("--workloads", options->workloads,
                           "specs, separated by spaces; repeatable (default: the profile's)")
              ->allow_extra_args(false));
  planned(bench
              ->add_option("--passes", options->passes,
                           "of the workloads, separated by spaces; repeatable: " +
                               list_of(pass_names()) + " (default: the profile's)")
              ->allow_extra_args(false));
  planned(bench->add_option("--scale", options->scale,
                            "numbers of threads, 1,2,4: measure the workloads that have a "
                            "parameter 'threads' at each"));
  planned(bench->add_option("--time-budget", options->time_budget,
                            "begin no block that would not end within it: 90s, 5m, 1h"));
  planned(add_memory_limit_option(*bench, options->memory_limit));
  planned(bench->add_option("--seed", options->seed, "of all random order (default: drawn)")
              ->check(CLI::PositiveNumber));
  planned(
      bench->add_option("--out", options->out, "folder for the results (default: results/...)"));
  resume->excludes(self);
  bench->add_option("--timeout", options->timeout,
                    "what a run is given at least before it counts as hung; 10 times the "
                    "baseline's median where that is more (default: by profile: " +
                        timeouts + ")");
  bench->add_flag("--json", options->as_json, "print summary.json instead of the table");
  return {bench, [options](const CommandLine& line) { return run_bench(*options, line); }};
}

}  // namespace heapwise

// `heapwise bench`: plan or resume, check, run, conclude.
#include <fmt/format.h>

#include <memory>
#include <random>

#include "bench/cli/command_line.h"
#include "bench/cli/conclusion.h"
#include "bench/cli/duration.h"
#include "bench/cli/self_cost.h"
#include "bench/cli/terminal.h"
#include "bench/core/clock.h"
#include "bench/run/campaign.h"
#include "bench/run/default_allocators.h"
#include "bench/run/environment.h"
#include "bench/run/groups.h"
#include "bench/run/manifest.h"
#include "bench/run/memory_check.h"
#include "bench/run/profile.h"
#include "bench/run/result_folder.h"
#include "bench/run/worker_runner.h"

namespace heapwise {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  heapwise bench\n"
    "  heapwise bench --profile smoke --allocators 'glibc jemalloc'\n"
    "  heapwise bench --allocators glibc --allocators glibc:mmap_threshold=64M,trim_threshold=1G "
    "\\\n"
    "                 --workloads large_churn:size=4M,window=8 --time-budget 90s\n"
    "  heapwise bench --allocators 'glibc mine=./libmine.so'\n"
    "Ctrl-C ends cleanly; --resume DIR goes on with the same plan.";

struct Options {
  std::string profile = "quick";
  std::vector<std::string> allocators;
  std::vector<std::string> workloads;
  std::string time_budget;
  std::string timeout = "30s";
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

Manifest plan_campaign(const Options& options, const CommandLine& line) {
  const auto& profile = find_profile(options.profile);
  Selection selection{.allocators = chosen_allocators(options.allocators), .workloads = {}};
  for (const auto& text : options.workloads) {
    const auto specs = parse_specs(text);
    selection.workloads.insert(selection.workloads.end(), specs.begin(), specs.end());
  }
  Manifest manifest{.kind = "bench",
                    .created_unix_ns = read_clock(CLOCK_REALTIME).value,
                    .command_line = line.all,
                    .profile = options.profile};
  if (!options.time_budget.empty()) {
    manifest.time_budget = parse_duration("--time-budget", options.time_budget);
  }
  manifest.plan.seed = options.seed != 0 ? options.seed : draw_seed();
  manifest.plan.groups = make_groups(profile, selection);
  validate(manifest.plan);
  return manifest;
}

/// A plan in its folder, checked against the machine and ready to run.
struct Prepared {
  ResultFolder folder;
  Manifest manifest;
  Candidates candidates;
};

Prepared prepare_new(const Options& options, const CommandLine& line, const Parts& parts) {
  auto manifest = plan_campaign(options, line);
  auto candidates = resolve_candidates(specs_of(manifest.plan), parts);
  require_memory(largest_cell(manifest.plan), available_memory());
  auto folder = ResultFolder::create(
      options.out.empty() ? default_result_folder("bench", options.profile) : options.out);
  folder.write_manifest(to_json(manifest, candidates));
  return {std::move(folder), std::move(manifest), std::move(candidates)};
}

Prepared prepare_resumed(const std::string& path, const Parts& parts) {
  auto folder = ResultFolder::resume(path);
  const auto json = folder.read_manifest();
  auto manifest = manifest_from_json(json, folder.file("manifest.json"));
  if (manifest.kind != "bench") {
    throw UsageError("'" + path + "' was made by `heapwise " + manifest.kind +
                     "`, which cannot be resumed; run it again");
  }
  auto candidates = resolve_candidates(specs_of(manifest.plan), parts);
  require_same_libraries(json, candidates);
  require_memory(largest_cell(manifest.plan), available_memory());
  return {std::move(folder), std::move(manifest), std::move(candidates)};
}

int run_campaign(Prepared prepared, const Options& options, const Parts& parts,
                 Interrupt& interrupt) {
  const auto& plan = prepared.manifest.plan;
  Journal journal(prepared.folder.file("runs.jsonl"));
  if (journal.dropped_bytes() > 0) {
    print_note("a torn last line of runs.jsonl was cut off; its block runs again");
  }
  print_note(fmt::format("{} runs in {} blocks, profile {}, seed {}, into {}", plan.runs_count(),
                         plan.blocks_count(), prepared.manifest.profile, plan.seed,
                         prepared.folder.path()));
  verify_settings(prepared.candidates, parts, {}, interrupt);
  touch_memory(largest_cell(plan), available_memory());

  WorkerRunner runner(parts, prepared.candidates, interrupt);
  ProgressReporter progress(standard_error_sink());
  CampaignOptions campaign_options{.time_budget = prepared.manifest.time_budget,
                                   .least_timeout = parse_duration("--timeout", options.timeout)};
  campaign_options.first_timeout = {2 * campaign_options.least_timeout.value};
  Campaign campaign(plan, campaign_options, {runner, journal, progress, interrupt, monotonic_now});
  const auto result = campaign.run();
  return conclude({.result = result,
                   .folder = prepared.folder.path(),
                   .go_on = "Go on with: heapwise bench --resume '" + prepared.folder.path() + "'",
                   .as_json = options.as_json},
                  parts, interrupt);
}

int run_bench(const Options& options, const CommandLine& line) {
  if (!line.command.empty()) {
    throw UsageError("bench takes no command after '--' ('" + line.command.front() +
                     "'); to measure a program: heapwise try -- COMMAND");
  }
  // A wrong value is told before anything is looked for or made.
  parse_duration("--timeout", options.timeout);
  if (!options.time_budget.empty()) parse_duration("--time-budget", options.time_budget);
  find_profile(options.profile);
  const auto parts = find_parts();
  Interrupt interrupt;
  if (options.self) return print_self_cost(parts, options.as_json, interrupt);
  auto prepared = options.resume.empty() ? prepare_new(options, line, parts)
                                         : prepare_resumed(options.resume, parts);
  return run_campaign(std::move(prepared), options, parts, interrupt);
}

}  // namespace

Subcommand add_bench(CLI::App& app) {
  auto* bench = app.add_subcommand("bench", "measure all workloads on all allocators");
  bench->footer(kFooter);
  auto options = std::make_shared<Options>();
  std::string profiles;
  for (const auto& profile : all_profiles()) {
    profiles +=
        fmt::format("{}{}: {}", profiles.empty() ? "" : "; ", profile.name, profile.summary);
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
  planned(bench->add_option("--time-budget", options->time_budget,
                            "begin no block that would not end within it: 90s, 5m, 1h"));
  planned(bench->add_option("--seed", options->seed, "of all random order (default: drawn)")
              ->check(CLI::PositiveNumber));
  planned(
      bench->add_option("--out", options->out, "folder for the results (default: results/...)"));
  resume->excludes(self);
  bench
      ->add_option("--timeout", options->timeout,
                   "what a run is given at least before it counts as hung; 10 times the "
                   "baseline's median where that is more")
      ->capture_default_str();
  bench->add_flag("--json", options->as_json, "print summary.json instead of the table");
  return {bench, [options](const CommandLine& line) { return run_bench(*options, line); }};
}

}  // namespace heapwise

#include "bench/cli/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <random>

#include "bench/cli/campaign_session.h"
#include "bench/cli/command_line.h"
#include "bench/cli/duel.h"
#include "bench/cli/duration.h"
#include "bench/cli/python.h"
#include "bench/cli/terminal.h"
#include "bench/core/clock.h"
#include "bench/run/default_allocators.h"
#include "bench/run/groups.h"
#include "bench/run/profile.h"
#include "bench/run/run_error.h"
#include "bench/run/trial.h"
#include "bench/run/worker_runner.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

/// What the calibration should be able to speak for: small objects inside and beyond the
/// second-level cache, large ones that fault and large ones that do not.
constexpr const char* kCalibrationWorkloads =
    "small_churn:live=10K,operations=2M small_churn:live=100K,operations=1M "
    "large_churn:operations=500 large_churn:size=1M,window=1,operations=1K";

constexpr double kInjectedTimeShare = 0.03;
constexpr double kInjectedFaultsShare = 0.005;
constexpr double kInjectedMemoryShare = 0.03;
constexpr double kMillion = 1e6;

/// The same library under a text of its own: its name with its path.
Spec twin_of(const Spec& spec, const Parts& parts) {
  auto twin = spec;
  twin.path = resolve_allocator(spec, parts.directory).library_path;
  if (twin.path.empty()) {
    throw UsageError("'" + spec.text() + "' has no library of its own to be compared with itself");
  }
  return twin;
}

std::vector<Group> plain_groups(const CalibrationOptions& options, const Parts& parts) {
  const auto texts = options.workloads.empty() ? std::vector<std::string>{kCalibrationWorkloads}
                                               : options.workloads;
  const auto specs =
      options.allocators.empty() ? parse_specs("glibc") : chosen_allocators(options.allocators);
  std::vector<Group> groups;
  for (const auto& spec : specs) {
    for (auto& group : make_duel_groups(find_profile("quick"), parse_workloads(texts), spec.text(),
                                        twin_of(spec, parts).text())) {
      if (group.slicing) groups.push_back(std::move(group));
    }
  }
  if (!groups.empty()) return groups;
  throw UsageError("--aa measures single-threaded workloads; name one with --workloads");
}

/// What the three campaigns differ in.
struct Stage {
  std::string name;
  unsigned comparisons;
  Nanoseconds time;  // of a comparison
  std::function<Injection(const PairTrial&)> injection;
};

/// Three per cent of what is timed. The dial is a share of all CPU time of the process, which draws
/// random numbers between its batches too.
Injection time_injection(const PairTrial& trial) {
  return {.time_share = kInjectedTimeShare * trial.workload_share};
}

/// Half a per cent more faults and three per cent more memory than the baseline has.
Injection memory_injection(const PairTrial& trial) {
  const auto& result = trial.baseline;
  const double faults = result.metrics.at("minor_faults_count");
  const double operations = result.work.at("operations_count");
  const double growth = result.metrics.at("rss_peak_bytes").get<double>() -
                        result.metrics.at("rss_before_bytes").get<double>();
  return {.faults_per_million = kInjectedFaultsShare * faults / operations * kMillion,
          .resident_bytes =
              static_cast<std::uint64_t>(std::ceil(kInjectedMemoryShare * std::max(0.0, growth)))};
}

void plan_group(Group& group, const Stage& stage, std::size_t groups_count, std::uint64_t seed,
                PairRunner& runner) {
  if (stage.injection) group.injection.emplace();  // both sides of a trial carry the shim too
  const auto block = run_trial(group, seed, runner);
  if (stage.injection) {
    const auto trial = try_pair(group, seed, runner);
    if (trial.ok) group.injection = stage.injection(trial);
  }
  const auto fitting = block.value == 0 ? 0 : stage.time.value / block.value;
  group.comparison_blocks = std::max(kFewestBlocks, static_cast<unsigned>(fitting));
  const auto comparisons = (stage.comparisons + groups_count - 1) / groups_count;
  group.blocks = group.comparison_blocks * static_cast<unsigned>(comparisons);
}

PreparedCampaign prepare_stage(const Stage& stage, const CalibrationOptions& options,
                               const std::vector<std::string>& command_line, const Parts& parts,
                               Interrupt& interrupt) {
  const auto folder = options.out + "/" + stage.name;
  if (fs::exists(folder)) return prepare_resumed(folder, "gate", parts);
  Manifest manifest{.kind = "gate",
                    .created_unix_ns = read_clock(CLOCK_REALTIME).value,
                    .command_line = command_line,
                    .profile = ""};
  manifest.plan.seed = options.seed != 0 ? options.seed : std::uint64_t{std::random_device()()} + 1;
  manifest.plan.groups = plain_groups(options, parts);
  validate(manifest.plan);
  auto candidates = resolve_candidates(specs_of(manifest.plan), parts);
  verify_settings(candidates, parts, {}, interrupt);
  WorkerRunner runner(parts, candidates, interrupt);
  for (auto& group : manifest.plan.groups) {
    if (interrupt.requested()) throw RunError("interrupted before anything was compared");
    print_note(fmt::format("{}: trial of {} under {}", stage.name, group.title(), group.baseline));
    plan_group(group, stage, manifest.plan.groups.size(), manifest.plan.seed, runner);
  }
  return prepare_new(std::move(manifest), folder, parts);
}

std::vector<Stage> stages_of(const CalibrationOptions& options) {
  const auto time = parse_duration("--time-per-comparison", options.time);
  return {
      {.name = "aa", .comparisons = options.comparisons, .time = time, .injection = {}},
      {.name = "time", .comparisons = options.injected, .time = time, .injection = time_injection},
      {.name = "memory",
       .comparisons = options.injected,
       .time = time,
       .injection = memory_injection}};
}

}  // namespace

void add_calibration_options(CLI::App& gate, CalibrationOptions& options, CLI::Option* aa) {
  constexpr unsigned kMostComparisons = 100'000;
  gate.add_option("--allocators", options.allocators, "of --aa: specs, separated by spaces")
      ->allow_extra_args(false)
      ->needs(aa);
  gate.add_option("--comparisons", options.comparisons, "of --aa: without a difference")
      ->check(CLI::Range(1U, kMostComparisons))
      ->capture_default_str()
      ->needs(aa);
  gate.add_option("--injected", options.injected, "of --aa: with a known difference")
      ->check(CLI::Range(1U, kMostComparisons))
      ->capture_default_str()
      ->needs(aa);
  gate.add_option("--stage", options.stages,
                  "of --aa: aa (nothing differs), time or memory (a known difference); repeatable "
                  "(default: all)")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"aa", "time", "memory"}))
      ->needs(aa);
  gate.add_option("--time-per-comparison", options.time, "of --aa")
      ->capture_default_str()
      ->needs(aa);
}

int calibrate(const CalibrationOptions& options, const std::vector<std::string>& command_line,
              const Parts& parts, Interrupt& interrupt) {
  for (const auto& stage : stages_of(options)) {
    if (!options.stages.empty() && std::ranges::count(options.stages, stage.name) == 0) continue;
    auto prepared = prepare_stage(stage, options, command_line, parts, interrupt);
    const auto result = run_campaign(prepared, {}, parts, interrupt);
    if (result.end == CampaignEnd::kInterrupted) {
      print_note(
          fmt::format("Interrupted; go on with: heapwise gate --aa --resume '{}'", options.out));
      return kExitInterrupted;
    }
  }
  std::vector<std::string> words{"calibration", options.out};
  if (options.as_json) words.emplace_back("--json");
  return run_python(parts, words, interrupt);
}

}  // namespace heapwise

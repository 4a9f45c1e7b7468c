// `heapwise gate`: screen, confirm what the screen flags, judge. Measured here, judged in Python.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "bench/cli/calibration.h"
#include "bench/cli/command_line.h"
#include "bench/cli/duel_options.h"
#include "bench/cli/python.h"
#include "bench/cli/terminal.h"
#include "bench/core/random.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFooter =
    "Two specs are measured now: a screen over all workloads, then what it flags once more with "
    "16\n"
    "fresh pairs of processes or more; only what shows again is a regression. Of two folders the\n"
    "system calls, faults and memory are judged; time measured in two sittings cannot be "
    "confirmed.\n"
    "gate.json, gate.md (for a job's page) and gate.xml (JUnit) are written into the folder.\n"
    "\n"
    "Examples:\n"
    "  heapwise gate --baseline old=./old/libmine.so --candidate new=./libmine.so\n"
    "  heapwise gate --baseline glibc --candidate jemalloc --workloads small_churn --time-budget "
    "5m\n"
    "  heapwise gate --baseline results/baseline --candidate results/candidate\n"
    "  heapwise gate --aa                     how often it would be wrong on this machine\n"
    "Exit codes: 0 pass, 1 regression, 2 error, 3 incomparable, 4 inconclusive, 130 interrupted.";

constexpr unsigned kFewestConfirmingBlocks = 16;
constexpr unsigned kConfirmingBlocksFactor = 2;  // of the screen's

struct Options {
  std::string baseline;
  std::string candidate;
  DuelOptions duel;
  std::string detect = "3";
  bool as_json = false;
  bool calibrates = false;
  CalibrationOptions calibration;
};

std::vector<std::string> judging_words(const Options& options) {
  std::vector<std::string> words{"--detect", options.detect};
  if (options.as_json) words.emplace_back("--json");
  return words;
}

int judge(std::vector<std::string> words, const Options& options, const Parts& parts,
          Interrupt& interrupt) {
  for (auto& word : judging_words(options)) words.push_back(std::move(word));
  return run_python(parts, words, interrupt);
}

int judge_folders(const Options& options, const Parts& parts, Interrupt& interrupt) {
  std::vector<std::string> words{"gate", "--baseline", options.baseline, "--candidate",
                                 options.candidate};
  if (!options.duel.out.empty()) words.insert(words.end(), {"--out", options.duel.out});
  return judge(std::move(words), options, parts, interrupt);
}

/// Which groups of the plan the screen flags, as Python judges it.
std::vector<std::size_t> flagged_groups(const std::string& folder, const Parts& parts,
                                        Interrupt& interrupt) {
  const auto python = choose_python(parts, interrupt);
  if (!python) throw RunError("the screen in '" + folder + "' cannot be judged without Python");
  const auto end = call_python(parts, *python, {"gate", folder, "--flag"}, false, interrupt);
  const auto json = Json::parse(end.output, nullptr, false);
  if (exit_code_of(end) != kExitOk || !json.is_object()) {
    throw RunError("the screen in '" + folder + "' cannot be judged: " + end.errors);
  }
  return json.at("groups").get<std::vector<std::size_t>>();
}

/// The flagged groups again, with other seeds and more blocks, as a plan of its own.
Manifest plan_confirmation(const Manifest& screen, const CampaignResult& result,
                           const std::vector<std::size_t>& flagged, Nanoseconds time) {
  Manifest manifest = screen;
  manifest.plan.groups.clear();
  manifest.plan.seed = SplitMix64(screen.plan.seed).next() >> 32U;
  manifest.time_budget = time;
  for (const auto index : flagged) {
    auto group = screen.plan.groups.at(index);
    group.blocks = std::max(kFewestConfirmingBlocks, kConfirmingBlocksFactor * group.blocks);
    const auto block = result.groups.at(index).block.value;
    if (time.value != 0 && block != 0) {
      const auto fitting = time.value / flagged.size() / block;
      group.blocks =
          std::clamp(static_cast<unsigned>(fitting), kFewestConfirmingBlocks, group.blocks);
    }
    manifest.plan.groups.push_back(std::move(group));
  }
  return manifest;
}

/// The campaign of a gate whose results lie in `folder`; false when Ctrl-C came.
bool measure(PreparedCampaign& prepared, CampaignResult& result, const std::string& folder,
             const Parts& parts, Interrupt& interrupt) {
  result = run_campaign(prepared, {}, parts, interrupt);
  if (result.end != CampaignEnd::kInterrupted) return true;
  print_note(fmt::format("Interrupted; go on with: heapwise gate --resume '{}'", folder));
  return false;
}

/// Measures again what the screen flags, or goes on with that; false when Ctrl-C came.
bool confirm(const PreparedCampaign& screen, const CampaignResult& screened, Nanoseconds time,
             const Parts& parts, Interrupt& interrupt) {
  const auto& place = screen.folder.path();
  const auto flagged = flagged_groups(place, parts, interrupt);
  if (flagged.empty()) return true;
  print_note(fmt::format("{} of {} measurements are flagged and run again with fresh processes",
                         flagged.size(), screen.manifest.plan.groups.size()));
  const auto folder = screen.folder.file("confirmation");
  auto confirmation =
      fs::exists(folder)
          ? prepare_resumed(folder, "gate", parts)
          : prepare_new(plan_confirmation(screen.manifest, screened, flagged, time), folder, parts);
  CampaignResult confirmed;
  return measure(confirmation, confirmed, place, parts, interrupt);
}

int gate_specs(const Options& options, const CommandLine& line, const Parts& parts,
               Interrupt& interrupt) {
  auto screen =
      options.duel.resume.empty()
          ? prepare_duel(
                duel_request("gate", {options.baseline, options.candidate}, options.duel, line),
                result_folder_of(options.duel.out, "gate", "specs"), parts, interrupt)
          : prepare_resumed(options.duel.resume, "gate", parts);
  CampaignResult screened;
  if (!measure(screen, screened, screen.folder.path(), parts, interrupt)) return kExitInterrupted;
  const auto time = options.duel.time_budget.empty() ? Nanoseconds{} : screen.manifest.time_budget;
  if (!confirm(screen, screened, time, parts, interrupt)) return kExitInterrupted;
  const int code = judge({"gate", screen.folder.path()}, options, parts, interrupt);
  print_note("Results: " + screen.folder.path());
  return code;
}

void require_sides(const Options& options) {
  if (!options.duel.resume.empty()) return;
  if (options.baseline.empty() || options.candidate.empty()) {
    throw UsageError(
        "gate takes --baseline and --candidate, two specs or two folders; see heapwise "
        "gate --help");
  }
  require_alike(options.baseline, options.candidate);
}

int run_gate(const Options& options, const CommandLine& line) {
  if (!options.calibrates) require_sides(options);
  const auto parts = find_parts();
  Interrupt interrupt;
  if (options.calibrates) {
    if (!options.duel.resume.empty() && !fs::is_directory(options.duel.resume)) {
      throw UsageError("there is no calibration in '" + options.duel.resume +
                       "'; begin one with: heapwise gate --aa --out '" + options.duel.resume + "'");
    }
    auto calibration = options.calibration;
    calibration.out = options.duel.resume.empty() ? result_folder_of(options.duel.out, "gate", "aa")
                                                  : options.duel.resume;
    calibration.workloads = options.duel.workloads;
    calibration.seed = options.duel.seed;
    calibration.as_json = options.as_json;
    return calibrate(calibration, line.all, parts, interrupt);
  }
  if (fs::is_directory(options.baseline)) return judge_folders(options, parts, interrupt);
  return gate_specs(options, line, parts, interrupt);
}

}  // namespace

Subcommand add_gate(CLI::App& app) {
  auto* gate = app.add_subcommand("gate", "did the last change make it worse? for CI");
  gate->footer(kFooter);
  auto options = std::make_shared<Options>();
  auto* resume =
      add_duel_options(*gate, options->duel, "the screen; the confirmation may take as long again");
  auto* aa =
      gate->add_flag("--aa", options->calibrates,
                     "measure how often the gate alarms where nothing differs, and how often "
                     "it finds what is made worse by a known amount");
  gate->add_option("--baseline", options->baseline, "what it was: a spec or a folder")
      ->excludes(resume)
      ->excludes(aa);
  gate->add_option("--candidate", options->candidate, "what it is now: a spec or a folder")
      ->excludes(resume)
      ->excludes(aa);
  for (const char* of_a_gate : {"--profile", "--time-budget", "--pairs"}) {
    gate->get_option(of_a_gate)->excludes(aa);
  }
  gate->add_option("--detect", options->detect,
                   "per cent: a time whose interval could hide so much is inconclusive")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  gate->add_flag("--json", options->as_json, "print the judgement as JSON");
  add_calibration_options(*gate, options->calibration, aa);
  return {gate, [options](const CommandLine& line) { return run_gate(*options, line); }};
}

}  // namespace heapwise

#include "bench/cli/campaign_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "bench/cli/conclusion.h"
#include "bench/cli/memory_limit_option.h"
#include "bench/cli/terminal.h"
#include "bench/core/clock.h"
#include "bench/run/environment.h"
#include "bench/run/limited_runner.h"
#include "bench/run/memory_check.h"
#include "bench/run/run_error.h"
#include "bench/run/worker_runner.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

/// Workloads run in the worker, programs by themselves.
class RunnerByPurpose : public PairRunner {
 public:
  RunnerByPurpose(const Plan& plan, PairRunner& workloads, Runner& programs)
      : plan_(plan), workloads_(workloads), programs_(programs) {}

  RunResult run(const RunRequest& request) override {
    const bool is_program = plan_.groups.at(request.group).purpose == Purpose::kCommand;
    return is_program ? programs_.run(request) : workloads_.run(request);
  }

  std::array<RunResult, 2> run_pair(const std::array<RunRequest, 2>& requests) override {
    return workloads_.run_pair(requests);
  }

 private:
  const Plan& plan_;
  PairRunner& workloads_;
  Runner& programs_;
};

std::string make_output_folder(const ResultFolder& folder) {
  const auto path = folder.file("output");
  std::error_code error;
  fs::create_directory(path, error);
  if (!error) return path;
  throw RunError("cannot make the folder '" + path + "': " + error.message() +
                 "; choose another with --out");
}

std::vector<ProgramDescription> programs_of(const Manifest& manifest) {
  std::vector<ProgramDescription> programs;
  for (const auto& json : manifest.programs) {
    programs.push_back(program_from_json(json, "a program of the manifest"));
  }
  return programs;
}

LargestCell largest_run(const Manifest& manifest) {
  return largest_cell(manifest.plan, manifest.memory_limit);
}

/// What is asked of the machine before anything is written: room for the largest run, and the
/// cgroups of a memory limit. A cell that needs more than the limit is no error: who survives there
/// is a result.
std::unique_ptr<MemoryLimit> require_machine(const Manifest& manifest) {
  require_memory(largest_run(manifest), available_memory());
  if (manifest.memory_limit.value == 0) return nullptr;
  return std::make_unique<MemoryLimit>(manifest.memory_limit);
}

/// No budget stays none, and one that is used up is none that is left.
Nanoseconds left_of(Nanoseconds budget, Nanoseconds spent) {
  if (budget.value == 0) return budget;
  return budget > spent ? budget - spent : Nanoseconds{1};
}

void announce(const PreparedCampaign& prepared, const Journal& journal) {
  const auto& manifest = prepared.manifest;
  if (journal.dropped_bytes() > 0) {
    print_note("a torn last line of runs.jsonl was cut off; its block runs again");
  }
  const auto profile = manifest.profile.empty() ? "" : "profile " + manifest.profile + ", ";
  const auto limit = manifest.memory_limit;
  print_note(fmt::format("{} runs in {} blocks{}, {}seed {}, into {}", manifest.plan.runs_count(),
                         manifest.plan.blocks_count(), memory_limit_words(limit), profile,
                         manifest.plan.seed, prepared.folder.path()));
}

}  // namespace

PreparedCampaign prepare_new(Manifest manifest, const std::string& out, const Parts& parts) {
  auto candidates = resolve_candidates(specs_of(manifest.plan), parts);
  auto memory_limit = require_machine(manifest);
  auto folder = ResultFolder::create(out);
  folder.write_manifest(to_json(manifest, candidates));
  return {std::move(folder), std::move(manifest), std::move(candidates), std::move(memory_limit)};
}

PreparedCampaign prepare_resumed(const std::string& path, const std::string& kind,
                                 const Parts& parts) {
  auto folder = ResultFolder::resume(path);
  const auto json = folder.read_manifest();
  auto manifest = manifest_from_json(json, folder.file("manifest.json"));
  if (manifest.kind != kind) {
    throw UsageError("'" + path + "' was made by `heapwise " + manifest.kind +
                     "`; go on with: heapwise " + manifest.kind + " --resume '" + path + "'");
  }
  auto candidates = resolve_candidates(specs_of(manifest.plan), parts);
  require_same_libraries(json, candidates);
  auto memory_limit = require_machine(manifest);
  return {std::move(folder), std::move(manifest), std::move(candidates), std::move(memory_limit)};
}

CampaignResult run_campaign(PreparedCampaign& prepared, SessionOptions options, const Parts& parts,
                            Interrupt& interrupt) {
  const auto& plan = prepared.manifest.plan;
  Journal journal(prepared.folder.file("runs.jsonl"));
  announce(prepared, journal);
  verify_settings(prepared.candidates, parts, options.program.kept, interrupt);
  touch_memory(largest_run(prepared.manifest), available_memory());

  WorkerRunner workloads(parts, prepared.candidates, interrupt);
  options.program.output_folder = make_output_folder(prepared.folder);
  ProgramRunner programs(programs_of(prepared.manifest), options.program, parts,
                         prepared.candidates, interrupt);
  RunnerByPurpose unlimited(plan, workloads, programs);
  std::optional<LimitedRunner> limited;
  if (prepared.memory_limit) limited.emplace(plan, unlimited, *prepared.memory_limit);
  PairRunner& runner = limited ? static_cast<PairRunner&>(*limited) : unlimited;
  ProgressReporter progress(standard_error_sink());
  options.campaign.time_budget = left_of(prepared.manifest.time_budget, prepared.spent);
  Campaign campaign(plan, options.campaign, {runner, journal, progress, interrupt, monotonic_now});
  return campaign.run();
}

std::string go_on_words(const PreparedCampaign& prepared) {
  return fmt::format("Go on with: heapwise {} --resume '{}'", prepared.manifest.kind,
                     prepared.folder.path());
}

int run_session(PreparedCampaign prepared, SessionOptions options, const Parts& parts,
                Interrupt& interrupt) {
  const bool as_json = options.as_json;
  const auto result = run_campaign(prepared, std::move(options), parts, interrupt);
  return conclude({.result = result,
                   .folder = prepared.folder.path(),
                   .go_on = go_on_words(prepared),
                   .as_json = as_json},
                  parts, interrupt);
}

std::string result_folder_of(const std::string& out, const std::string& kind,
                             const std::string& name) {
  return out.empty() ? default_result_folder(kind, name) : out;
}

}  // namespace heapwise

#include "bench/program/program_runner.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "bench/core/clock.h"
#include "bench/program/run_judgement.h"
#include "bench/program/run_outcome.h"
#include "bench/program/shell.h"
#include "bench/run/outcome.h"
#include "bench/run/worker_runner.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

constexpr Nanoseconds kSetupTimeout{600'000'000'000};
constexpr mode_t kAnybodyMayWrite = 0666;

/// Empty when the command went well or there is none.
std::string failure_of(const std::string& what, const std::string& text,
                       const RunContext& context) {
  if (text.empty()) return {};
  const auto end = run_helper(context, text, kSetupTimeout);
  if (succeeded(end)) return {};
  return what + " failed: " + ending_words(end) + "; the command was: " + text;
}

/// A server that has given up being root must be able to add its line.
void make_witness_file(const std::string& path) {
  const std::ofstream file(path);
  chmod(path.c_str(), kAnybodyMayWrite);
}

}  // namespace

ProgramRunner::ProgramRunner(std::vector<ProgramDescription> programs, ProgramOptions options,
                             const Parts& parts, const Candidates& candidates, Interrupt& interrupt)
    : options_(std::move(options)), parts_(parts), candidates_(candidates), interrupt_(interrupt) {
  for (auto& program : programs) {
    const auto title = program.title;
    programs_.emplace(title, Installed{.description = std::move(program),
                                       .setup_folder = ScratchFolder(),
                                       .is_set_up = false,
                                       .setup_failure = {}});
  }
}

RunResult ProgramRunner::run(const RunRequest& request) {
  const auto& candidate = candidates_.at(request.cell.allocator);
  if (candidate.excluded) return candidate.excluded_result();
  auto& program = programs_.at(request.cell.parameters.at("command").get<std::string>());
  const ScratchFolder folder;
  const ScratchFolder reports(Access::kOthersMayWrite);
  const auto context = make_context(request, candidate, program, {folder.path(), reports.path()});

  RunResult result;
  result.identity = candidate.identity();
  set_up(program, context);
  const auto begun = monotonic_now();
  auto failure = program.setup_failure;
  if (failure.empty()) {
    failure = failure_of("preparing the run", context.program.prepare, context);
  }
  if (interrupt_.requested()) {
    result.status = Status::kInterrupted;
  } else if (!failure.empty()) {
    result.conclude(Status::kSetupFailed, failure);
  } else {
    carry_out(context, candidate, result);
  }
  result.wall = monotonic_now() - begun;
  dispose_files(request, context.files, result.status);
  return result;
}

RunContext ProgramRunner::make_context(const RunRequest& request, const Candidate& candidate,
                                       const Installed& program, const RunFolders& folders) const {
  const auto& description = program.description;
  const RunPlace place{.run_folder = folders.run,
                       .setup_folder = program.setup_folder.path(),
                       .app_folder = description.app_directory,
                       .port = find_free_port()};
  const auto files = files_of(request, folders.reports);
  make_witness_file(files.witness);
  auto own = variables_of(place);
  own.insert(own.end(), description.environment.begin(), description.environment.end());
  own.push_back(padding_entry(request.padding_bytes));
  own.push_back("HEAPWISE_WITNESS_FILE=" + files.witness);
  std::vector<std::string> preloads{parts_.witness};
  const bool estimates_share = request.cell.pass == kMallocSharePass;
  if (estimates_share) {
    own.push_back("HEAPWISE_SHARE_FOLDER=" + folders.reports);
    preloads.push_back(parts_.share);
  }
  return {
      .program = description,
      .launcher = parts_.launcher,
      .interrupt = interrupt_,
      .environment =
          with_entries(child_environment(candidate.resolved, preloads, options_.kept), own),
      .helper_environment = with_entries(machine_environment(), variables_of(place)),
      .directory = description.directory.empty() ? folders.run : description.directory,
      .files = files,
      .timeout = request.timeout,
      .ready_timeout = options_.ready_timeout,
      .stop_timeout = options_.stop_timeout,
      .limits = {.least_available = options_.least_available,
                 .most_output = options_.most_output,
                 .outputs = {files.output, files.errors, files.server_output, files.server_errors}},
      .share_folder = estimates_share ? folders.reports : "",
      .cgroup_procs = request.cgroup_procs};
}

void ProgramRunner::carry_out(const RunContext& context, const Candidate& candidate,
                              RunResult& result) {
  const OutOfMemoryWatch memory;
  const auto stamps = check_file_stamps(context);
  const auto run = context.program.is_served() ? run_served(context) : run_command(context);
  judge_run(context, run,
            {.library = {candidate.resolved.library_path, candidate.resolved.build_id},
             .stamps_before = stamps,
             .out_of_memory = memory.struck()},
            result);
}

void ProgramRunner::set_up(Installed& program, const RunContext& context) {
  if (program.is_set_up) return;
  program.setup_failure = failure_of("the setup", program.description.setup, context);
  program.is_set_up = true;
}

RunFiles ProgramRunner::files_of(const RunRequest& request, const std::string& reports) const {
  const auto stem = options_.output_folder + "/" + request.run_id;
  return {.output = stem + ".stdout",
          .errors = stem + ".stderr",
          .server_output = stem + ".server.stdout",
          .server_errors = stem + ".server.stderr",
          .witness = reports + "/witness"};
}

/// The digests tell runs apart; the texts are kept where there is something to look into.
void ProgramRunner::dispose_files(const RunRequest& request, const RunFiles& files,
                                  Status status) const {
  std::error_code ignored;
  fs::remove(files.output + ".filtered", ignored);
  if (!request.warm_up && (status != Status::kOk || request.block == 0)) return;
  for (const auto& path : {files.output, files.errors, files.server_output, files.server_errors}) {
    fs::remove(path, ignored);
  }
}

}  // namespace heapwise

#include "bench/run/command_runner.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include "bench/core/clock.h"
#include "bench/run/outcome.h"
#include "bench/run/program_file.h"
#include "bench/run/witness.h"
#include "bench/run/worker_runner.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

Json metrics_of(const LaunchReport& report) {
  return {{"wall_ns", report.wall_ns},
          {"user_cpu_ns", report.user_cpu_ns},
          {"system_cpu_ns", report.system_cpu_ns},
          {"rss_peak_bytes", report.peak_rss_bytes},
          {"minor_faults_count", report.minor_faults_count},
          {"major_faults_count", report.major_faults_count},
          {"voluntary_switches_count", report.voluntary_switches_count},
          {"involuntary_switches_count", report.involuntary_switches_count}};
}

/// When the file was last written, in Unix nanoseconds; 0 when there is none.
std::uint64_t modified_unix_ns(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return 0;
  constexpr std::uint64_t kPerSecond = 1'000'000'000;
  return static_cast<std::uint64_t>(status.st_mtim.tv_sec) * kPerSecond +
         static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
}

void fail(RunResult& result, Status status, std::string detail) {
  result.status = status;
  result.status_detail = std::move(detail);
}

}  // namespace

CommandRunner::CommandRunner(CommandOptions options, const Parts& parts,
                             const Candidates& candidates, Interrupt& interrupt)
    : options_(std::move(options)), parts_(parts), candidates_(candidates), interrupt_(interrupt) {}

RunResult CommandRunner::run(const RunRequest& request) {
  const auto& candidate = candidates_.at(request.cell.allocator);
  if (candidate.excluded) return candidate.excluded_result();
  const auto files = files_of(request);
  const OutOfMemoryWatch memory;
  Child child(child_request(request, candidate, files));
  const auto end = child.finish(deadline_after(request.timeout), interrupt_);

  RunResult result;
  result.identity = candidate.identity();
  judge_ending(end, memory.struck(), request.timeout, options_.expected_exit_code, result);
  if (end.report) {
    result.wall = {end.report->wall_ns};
    result.metrics = metrics_of(*end.report);
  }
  const auto output = digest_file(files.output);
  const auto errors = digest_file(files.errors);
  result.outcome = {{"exit_code", result.exit_code ? Json(*result.exit_code) : Json()},
                    {"stdout_bytes", output.size_bytes},
                    {"stdout_digest", output.digest},
                    {"stderr_bytes", errors.size_bytes},
                    {"stderr_digest", errors.digest},
                    {"processes", Json::array()}};
  judge_identity(candidate, end, files, result);
  if (result.status == Status::kOk) judge_check_file(result);
  // The digests tell runs apart; the texts are kept where there is something to look into.
  std::error_code ignored;
  fs::remove(files.witness, ignored);
  if (request.warm_up || (result.status == Status::kOk && request.block > 0)) {
    fs::remove(files.output, ignored);
    fs::remove(files.errors, ignored);
  }
  return result;
}

CommandRunner::Files CommandRunner::files_of(const RunRequest& request) const {
  const auto stem = options_.output_folder + "/" + request.run_id;
  return {stem + ".stdout", stem + ".stderr", stem + ".witness"};
}

ChildRequest CommandRunner::child_request(const RunRequest& request, const Candidate& candidate,
                                          const Files& files) const {
  const std::vector<std::string> before{parts_.witness};
  auto environment = child_environment(candidate.resolved, before, options_.kept);
  environment.push_back(padding_entry(request.padding_bytes));
  environment.push_back("HEAPWISE_WITNESS_FILE=" + files.witness);
  return {.launcher = parts_.launcher,
          .launch_options = {"--stdin", "/dev/null", "--stdout", files.output, "--stderr",
                             files.errors},
          .command = options_.command,
          .environment = std::move(environment)};
}

void CommandRunner::judge_identity(const Candidate& candidate, const ChildEnd& end,
                                   const Files& files, RunResult& result) {
  const auto lines = read_witness_lines(files.witness);
  for (const auto& line : lines) result.outcome["processes"].push_back(line.json);
  const auto verdict =
      judge_witness(lines, end.report ? end.report->command_pid : 0,
                    {candidate.resolved.library_path, candidate.resolved.build_id});
  if (verdict.own) {
    result.identity["library_path"] = verdict.own->library_path;
    result.identity["build_id"] = verdict.own->build_id;
  }
  if (result.status != Status::kOk) return;
  if (!verdict.seen) {
    const auto reason = why_not_preloadable(options_.command.front());
    return fail(
        result, Status::kNotPreloadable,
        reason.empty() ? "no process bore witness: the program drops preloaded libraries" : reason);
  }
  if (!verdict.contradiction.empty()) {
    return fail(result, Status::kWrongAllocator, verdict.contradiction);
  }
  result.status_detail = verdict.remark;
}

void CommandRunner::judge_check_file(RunResult& result) {
  if (options_.check_file.empty()) return;
  const auto& name = options_.check_file;
  if (modified_unix_ns(name) + 1'000'000'000 < result.started_unix_ns) {
    return fail(result, Status::kIntegrityFailed,
                fmt::format("the run did not write the file '{}'", name));
  }
  const auto digest = digest_file(name);
  if (!reference_) {
    reference_ = digest;
    return;
  }
  if (digest.digest == reference_->digest && digest.size_bytes == reference_->size_bytes) return;
  fail(result, Status::kIntegrityFailed,
       fmt::format("the file '{}' differs from what the first run wrote ({} bytes with digest {}, "
                   "not {} with {})",
                   name, digest.size_bytes, digest.digest, reference_->size_bytes,
                   reference_->digest));
}

}  // namespace heapwise

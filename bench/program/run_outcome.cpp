#include "bench/program/run_outcome.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <set>
#include <string>

#include "bench/program/shell.h"
#include "bench/run/digest.h"

namespace heapwise {
namespace {

constexpr double kPerSecond = 1e9;

std::uint64_t changed_unix_ns(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return 0;
  constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
  return static_cast<std::uint64_t>(status.st_ctim.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(status.st_ctim.tv_nsec);
}

std::string path_in(const std::string& directory, const std::string& file) {
  return directory.empty() || file.front() == '/' ? file : directory + "/" + file;
}

/// Standard output as it is to be compared: through the filter, where there is one.
FileDigest digest_output(const RunContext& context, RunResult& result) {
  if (context.program.filter.empty()) return digest_file(context.files.output);
  const auto filtered = context.files.output + ".filtered";
  Child child(child_request({.text = context.program.filter,
                             .environment = context.helper_environment,
                             .directory = context.directory,
                             .input_file = context.files.output,
                             .output_file = filtered,
                             .errors_file = {}},
                            context.launcher));
  constexpr Nanoseconds kFilterTimeout{60'000'000'000};
  const auto end = child.finish(deadline_after(kFilterTimeout), context.interrupt);
  if (!succeeded(end) && result.status == Status::kOk) {
    result.conclude(Status::kClientFailed,
                    "the filter '" + context.program.filter + "' failed: " + ending_words(end));
  }
  return digest_file(filtered);
}

/// A program that starts a thousand others: one line stands for all that are alike.
void record_processes(const std::vector<WitnessLine>& lines, RunResult& result) {
  std::set<std::string> seen;
  auto& processes = result.outcome["processes"] = Json::array();
  for (const auto& line : lines) {
    if (seen.insert(line.executable + '\n' + line.library_path + '\n' + line.build_id).second) {
      processes.push_back(line.json);
    }
  }
  result.outcome["processes_count"] = lines.size();
}

}  // namespace

std::vector<std::uint64_t> check_file_stamps(const RunContext& context) {
  std::vector<std::uint64_t> stamps;
  for (const auto& name : context.program.check_files) {
    stamps.push_back(changed_unix_ns(path_in(context.directory, name)));
  }
  return stamps;
}

void record_outcome(const RunContext& context, const ProgramRun& run,
                    const std::vector<WitnessLine>& lines, RunResult& result) {
  const auto output = digest_output(context, result);
  const auto errors = digest_file(context.files.errors);
  result.outcome = {{"exit_code", result.exit_code ? Json(*result.exit_code) : Json()},
                    {"stdout_bytes", output.size_bytes},
                    {"stdout_digest", output.digest},
                    {"stderr_bytes", errors.size_bytes},
                    {"stderr_digest", errors.digest},
                    {"files", Json::array()},
                    {"leftover_processes_count", 0},
                    {"remarks", Json::array()}};
  record_processes(lines, result);
  if (run.digest) {
    Digest digest;
    digest.add(run.digest->output);
    result.outcome["state_digest"] = digest.text();
  }
  const auto leftover = run.end.report ? run.end.report->leftover_processes_count : 0;
  result.outcome["leftover_processes_count"] = leftover;
  auto& remarks = result.outcome["remarks"];
  if (leftover > 0) {
    remarks.push_back(
        fmt::format("{} of its processes still ran when it had ended and were stopped; "
                    "a daemon is measured with --serve",
                    leftover));
  }
  if (run.end.report && run.end.report->surviving_processes_count > 0) {
    remarks.push_back(fmt::format("{} of its processes could not be killed and still run",
                                  run.end.report->surviving_processes_count));
  }
  if (run.had_to_be_killed) {
    remarks.push_back(fmt::format("did not end within {:.0f} s of being asked to and was killed",
                                  static_cast<double>(context.stop_timeout.value) / kPerSecond));
  }
  if (run.stop_command && !succeeded(*run.stop_command)) {
    remarks.push_back("the stop command failed: " + ending_words(*run.stop_command));
  }
}

void record_files(const RunContext& context, const std::vector<std::uint64_t>& stamps_before,
                  RunResult& result) {
  const auto stamps = check_file_stamps(context);
  for (std::size_t i = 0; i < stamps.size(); ++i) {
    const auto& name = context.program.check_files[i];
    const auto digest = digest_file(path_in(context.directory, name));
    result.outcome["files"].push_back(
        {{"path", name}, {"size_bytes", digest.size_bytes}, {"digest", digest.digest}});
    if (result.status != Status::kOk) continue;
    if (stamps[i] == 0 || stamps[i] == stamps_before.at(i)) {
      result.conclude(Status::kIntegrityFailed,
                      fmt::format("the run did not write the file '{}'", name));
    }
  }
}

}  // namespace heapwise

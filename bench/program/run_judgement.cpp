#include "bench/program/run_judgement.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <set>

#include "bench/program/program_file.h"
#include "bench/program/shell.h"
#include "bench/run/digest.h"
#include "bench/run/outcome.h"

namespace heapwise {
namespace {

constexpr double kPerSecond = 1e9;

void set(RunResult& result, Status status, std::string detail) {
  result.status = status;
  result.status_detail = std::move(detail);
}

std::string mebibytes(Bytes bytes) {
  return fmt::format("{} MiB", bytes.value / kMiB.value);
}

// ---- how it went ----------------------------------------------------------------------------

void judge_alarm(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (run.alarm == TreeAlarm::kMemory) {
    return set(result, Status::kOutOfMemory,
               fmt::format("stopped when the machine had {} of memory left, with {} used by it; "
                           "give it less to do, or allow less with --memory-floor",
                           mebibytes(run.available_at_alarm), mebibytes(run.tree_peak)));
  }
  set(result, Status::kTooMuchOutput,
      fmt::format("stopped when it had printed more than {}; send the output to /dev/null inside "
                  "the command, or raise --output-limit",
                  mebibytes(context.limits.most_output)));
}

/// An address that somebody else holds is the most frequent reason, and has a remedy.
std::string address_hint(const std::string& words) {
  if (words.find("in use") == std::string::npos) return {};
  return " (another process holds that address: stop it, or let the server use $HEAPWISE_PORT or a "
         "socket in $HEAPWISE_RUN_DIR, which are its own in each run)";
}

std::string server_words(const ProgramRun& run) {
  const auto words = ending_words(run.end);
  return words + address_hint(run.end.errors);
}

void judge_never_ready(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (run.ended_unasked) {
    return set(result, Status::kCrashed,
               "the server ended before it was ready: " + server_words(run));
  }
  set(result, Status::kTimedOut,
      fmt::format("the server was not ready after {:.0f} s: {}{}",
                  static_cast<double>(context.ready_timeout.value) / kPerSecond,
                  run.never_ready_because, last_words(run.end.errors)));
}

/// The client's own end; `result` says ok where there is nothing against it.
void judge_client(const RunContext& context, const ProgramRun& run, RunResult& result) {
  judge_ending(*run.client, false, context.timeout, context.program.expected_exit_code, result);
  if (result.status == Status::kCrashed) {
    set(result, Status::kClientFailed, "the client failed: " + result.status_detail);
  } else if (result.status == Status::kTimedOut) {
    result.status_detail = "the client was " + result.status_detail;
  }
}

/// A server that was asked to end may do so in any way but a crash.
void judge_server_end(const ProgramRun& run, RunResult& result) {
  if (run.had_to_be_killed || !run.end.report) return;
  const int status = run.end.report->tree_status;
  if (!WIFSIGNALED(status)) return;
  const int signal = WTERMSIG(status);
  if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGKILL) return;
  set(result, Status::kCrashed,
      "the server crashed while it was stopped, by " + signal_name(signal) +
          last_words(run.end.errors));
}

void judge_digest(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (result.status != Status::kOk || !run.digest || succeeded(*run.digest)) return;
  set(result, Status::kClientFailed,
      "the digest command '" + context.program.digest + "' failed: " + ending_words(*run.digest));
}

void judge_served(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (run.end.report && run.end.report->exec_errno != 0) {
    return set(result, Status::kCrashed, "the server cannot be started: " + ending_words(run.end));
  }
  if (run.reached == Reached::kStarted) return judge_never_ready(context, run, result);
  if (run.ended_unasked) {
    return set(result, Status::kCrashed,
               "the server ended while its client ran: " + server_words(run));
  }
  judge_client(context, run, result);
  if (result.status == Status::kOk) judge_server_end(run, result);
}

void judge_status(const RunContext& context, const ProgramRun& run, bool out_of_memory,
                  RunResult& result) {
  if (context.interrupt.requested()) {
    return set(result, Status::kInterrupted, "stopped together with heapwise");
  }
  if (run.alarm != TreeAlarm::kNone) return judge_alarm(context, run, result);
  if (context.program.is_served()) {
    judge_served(context, run, result);
  } else {
    judge_ending(run.end, out_of_memory, context.timeout, context.program.expected_exit_code,
                 result);
  }
  if (run.end.report) result.started_unix_ns = run.end.report->started_unix_ns;
  judge_digest(context, run, result);
}

// ---- which allocator ------------------------------------------------------------------------

std::string started_file(const ProgramDescription& program) {
  return program.is_served() ? "/bin/sh" : program.argv.front();
}

void judge_identity(const RunContext& context, const ProgramRun& run,
                    const Expectation& expectation, const std::vector<WitnessLine>& lines,
                    RunResult& result) {
  SeenProcesses seen{.command = run.end.report ? run.end.report->command_pid : 0,
                     .largest = run.largest.process,
                     .largest_executable = run.largest.executable,
                     .executables = run.executables};
  std::erase(seen.executables, expectation.launcher);
  if (seen.largest_executable == expectation.launcher) seen.largest = 0;
  const auto verdict = judge_witness(lines, seen, expectation.library);
  if (verdict.decisive) {
    result.identity["library_path"] = verdict.decisive->library_path;
    result.identity["build_id"] = verdict.decisive->build_id;
  }
  for (const auto& remark : verdict.remarks) result.outcome["remarks"].push_back(remark);
  if (result.status != Status::kOk) return;
  if (!verdict.decisive) {
    const auto program =
        verdict.unproven.empty() ? started_file(context.program) : verdict.unproven;
    const auto reason = why_not_preloadable(program);
    set(result, Status::kNotPreloadable,
        reason.empty() ? "no process of " + program + " bore witness: it drops preloaded libraries"
                       : reason);
  } else if (!verdict.contradiction.empty()) {
    set(result, Status::kWrongAllocator, verdict.contradiction);
  }
}

// ---- what it did ----------------------------------------------------------------------------

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

void record_files(const RunContext& context, const Expectation& expectation, RunResult& result) {
  const auto stamps = check_file_stamps(context);
  for (std::size_t i = 0; i < stamps.size(); ++i) {
    const auto& name = context.program.check_files[i];
    const auto digest = digest_file(path_in(context.directory, name));
    result.outcome["files"].push_back(
        {{"path", name}, {"size_bytes", digest.size_bytes}, {"digest", digest.digest}});
    if (result.status != Status::kOk) continue;
    if (stamps[i] == 0 || stamps[i] == expectation.stamps_before.at(i)) {
      set(result, Status::kIntegrityFailed,
          fmt::format("the run did not write the file '{}'", name));
    }
  }
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
    set(result, Status::kClientFailed,
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

// ---- its figures ----------------------------------------------------------------------------

Json usage_of_all(const LaunchReport& report) {
  return {{"wall_ns", report.wall_ns},
          {"user_cpu_ns", report.user_cpu_ns},
          {"system_cpu_ns", report.system_cpu_ns},
          {"minor_faults_count", report.minor_faults_count},
          {"major_faults_count", report.major_faults_count},
          {"voluntary_switches_count", report.voluntary_switches_count},
          {"involuntary_switches_count", report.involuntary_switches_count}};
}

Json usage_of_phase(const Phase& phase) {
  return {{"wall_ns", phase.wall.value},
          {"user_cpu_ns", phase.usage.user_cpu.value},
          {"system_cpu_ns", phase.usage.system_cpu.value},
          {"minor_faults_count", phase.usage.minor_faults_count},
          {"major_faults_count", phase.usage.major_faults_count},
          {"voluntary_switches_count", phase.usage.voluntary_switches_count},
          {"involuntary_switches_count", phase.usage.involuntary_switches_count}};
}

void add_user_metrics(const RunContext& context, Json& metrics) {
  if (context.program.metrics.empty()) return;
  constexpr Bytes kSearched{16 * kMiB.value};
  const auto output = tail_of(context.files.output, kSearched);
  for (const auto& metric : context.program.metrics) {
    if (const auto value = find_metric(metric, output)) metrics["user_" + metric.name] = *value;
  }
}

Json metrics_of(const RunContext& context, const ProgramRun& run) {
  if (!context.share_folder.empty()) {
    return {{"tree_bytes", run.share->tree_bytes},
            {"malloc_bytes", run.share->malloc_bytes},
            {"live_bytes", run.share->live_bytes}};
  }
  const auto& report = *run.end.report;
  const bool serves = context.program.timing == Timing::kServe;
  auto metrics = serves ? usage_of_phase(*run.phase) : usage_of_all(report);
  metrics["rss_peak_bytes"] = report.peak_rss_bytes;
  // Between two looks a peak goes unseen; the kernel does not miss that of the largest process.
  metrics["tree_peak_bytes"] = std::max(run.tree_peak.value, report.peak_rss_bytes);
  if (run.vsz_peak.value > 0) metrics["vsz_peak_bytes"] = run.vsz_peak.value;
  if (context.program.is_served()) metrics["ready_ns"] = run.ready_after.value;
  metrics["sampling_ns"] = run.sampling.value;
  add_user_metrics(context, metrics);
  return metrics;
}

Json timeline_of(const TreeTimeline& timeline) {
  return {{"elapsed_ns", timeline.elapsed_ns},
          {"tree_bytes", timeline.tree_bytes},
          {"vsz_bytes", timeline.vsz_bytes},
          {"processes_count", timeline.processes_count}};
}

void add_figures(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (result.status != Status::kOk) return;
  result.timeline = timeline_of(run.timeline);
  if (!context.share_folder.empty() && !run.share) {
    result.status_detail = "the run was too short for a look, or its malloc is not glibc's";
    return;
  }
  result.metrics = metrics_of(context, run);
}

}  // namespace

std::vector<std::uint64_t> check_file_stamps(const RunContext& context) {
  std::vector<std::uint64_t> stamps;
  for (const auto& name : context.program.check_files) {
    stamps.push_back(changed_unix_ns(path_in(context.directory, name)));
  }
  return stamps;
}

void judge_run(const RunContext& context, const ProgramRun& run, const Expectation& expectation,
               RunResult& result) {
  judge_status(context, run, expectation.out_of_memory, result);
  const auto lines = read_witness_lines(context.files.witness);
  record_outcome(context, run, lines, result);
  judge_identity(context, run, expectation, lines, result);
  record_files(context, expectation, result);
  add_figures(context, run, result);
}

}  // namespace heapwise

#include "bench/program/run_judgement.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>

#include "bench/program/program_file.h"
#include "bench/program/run_figures.h"
#include "bench/program/run_outcome.h"
#include "bench/program/shell.h"
#include "bench/run/outcome.h"

namespace heapwise {
namespace {

constexpr double kPerSecond = 1e9;

std::string mebibytes(Bytes bytes) {
  return fmt::format("{} MiB", bytes.value / kMiB.value);
}

void judge_alarm(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (run.alarm == TreeAlarm::kMemory) {
    return result.conclude(
        Status::kOutOfMemory,
        fmt::format("stopped when the machine had {} of memory left, with {} used by it; "
                    "give it less to do, or allow less with --memory-floor",
                    mebibytes(run.available_at_alarm), mebibytes(run.tree_peak)));
  }
  result.conclude(
      Status::kTooMuchOutput,
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
    return result.conclude(Status::kCrashed,
                           "the server ended before it was ready: " + server_words(run));
  }
  result.conclude(Status::kTimedOut,
                  fmt::format("the server was not ready after {:.0f} s: {}{}",
                              static_cast<double>(context.ready_timeout.value) / kPerSecond,
                              run.never_ready_because, last_words(run.end.errors)));
}

/// The client's own end; `result` says ok where there is nothing against it.
void judge_client(const RunContext& context, const ProgramRun& run, RunResult& result) {
  judge_ending(*run.client, false, context.timeout, context.program.expected_exit_code, result);
  if (result.status == Status::kCrashed) {
    result.conclude(Status::kClientFailed, "the client failed: " + result.status_detail);
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
  result.conclude(Status::kCrashed, "the server crashed while it was stopped, by " +
                                        signal_name(signal) + last_words(run.end.errors));
}

void judge_digest(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (result.status != Status::kOk || !run.digest || succeeded(*run.digest)) return;
  result.conclude(Status::kClientFailed, "the digest command '" + context.program.digest +
                                             "' failed: " + ending_words(*run.digest));
}

void judge_served(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (run.end.report && run.end.report->exec_errno != 0) {
    return result.conclude(Status::kCrashed,
                           "the server cannot be started: " + ending_words(run.end));
  }
  if (run.reached == Reached::kStarted) return judge_never_ready(context, run, result);
  if (run.ended_unasked) {
    return result.conclude(Status::kCrashed,
                           "the server ended while its client ran: " + server_words(run));
  }
  judge_client(context, run, result);
  if (result.status == Status::kOk) judge_server_end(run, result);
}

void judge_status(const RunContext& context, const ProgramRun& run, bool out_of_memory,
                  RunResult& result) {
  if (context.interrupt.requested()) {
    return result.conclude(Status::kInterrupted, "stopped together with heapwise");
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

std::string started_file(const ProgramDescription& program) {
  return program.is_served() ? "/bin/sh" : program.argv.front();
}

void judge_identity(const RunContext& context, const ProgramRun& run,
                    const Expectation& expectation, const std::vector<WitnessLine>& lines,
                    RunResult& result) {
  const SeenProcesses seen{.command = run.end.report ? run.end.report->command_pid : 0,
                           .largest = run.largest.process,
                           .largest_executable = run.largest.executable,
                           .executables = run.executables};
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
    result.conclude(Status::kNotPreloadable,
                    reason.empty()
                        ? "no process of " + program + " bore witness: it drops preloaded libraries"
                        : reason);
  } else if (!verdict.contradiction.empty()) {
    result.conclude(Status::kWrongAllocator, verdict.contradiction);
  }
}

}  // namespace

void judge_run(const RunContext& context, const ProgramRun& run, const Expectation& expectation,
               RunResult& result) {
  judge_status(context, run, expectation.out_of_memory, result);
  const auto lines = read_witness_lines(context.files.witness);
  record_outcome(context, run, lines, result);
  judge_identity(context, run, expectation, lines, result);
  record_files(context, expectation.stamps_before, result);
  add_figures(context, run, result);
}

}  // namespace heapwise

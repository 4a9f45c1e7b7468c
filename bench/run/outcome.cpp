#include "bench/run/outcome.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <fstream>

namespace heapwise {
namespace {

/// Exit code with which a worker refuses a cell; it has said why before.
constexpr int kRefusedExitCode = 3;

std::optional<std::uint64_t> read_oom_kills() {
  std::ifstream vmstat("/proc/vmstat");
  std::string key;
  std::uint64_t value = 0;
  while (vmstat >> key >> value) {
    if (key == "oom_kill") return value;
  }
  return std::nullopt;
}

/// Whether a run can have this status because one of its processes was killed.
bool may_follow_a_kill(Status status) {
  return status == Status::kCrashed || status == Status::kTimedOut ||
         status == Status::kOutOfMemory || status == Status::kClientFailed ||
         status == Status::kIntegrityFailed;
}

void judge_signal(int signal, bool out_of_memory, const std::string& errors, RunResult& result) {
  if (signal == SIGKILL && out_of_memory) {
    return result.conclude(Status::kOutOfMemory, "the kernel's out-of-memory killer ended it");
  }
  if (signal == SIGKILL) {
    return result.conclude(Status::kCrashed, "killed by SIGKILL, which heapwise did not send");
  }
  result.conclude(Status::kCrashed,
                  fmt::format("ended by {}{}", signal_name(signal), last_words(errors)));
}

}  // namespace

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return "SIG" + (name != nullptr ? std::string(name) : std::to_string(signal));
}

std::string last_words(const std::string& errors) {
  const auto end = errors.find_last_not_of(" \t\r\n");
  if (end == std::string::npos) return {};
  const auto newline = errors.rfind('\n', end);
  const auto begin = newline == std::string::npos ? 0 : newline + 1;
  constexpr std::size_t kLongest = 300;
  return ": " + errors.substr(begin, std::min(end + 1 - begin, kLongest));
}

std::string not_started_words(const ChildEnd& end) {
  constexpr std::string_view kSpeaker = "heapwise-launch: ";
  const auto begin = end.errors.rfind(kSpeaker);
  if (begin == std::string::npos) return std::strerror(end.report->exec_errno);
  const auto words = begin + kSpeaker.size();
  return end.errors.substr(words, end.errors.find('\n', words) - words);
}

OutOfMemoryWatch::OutOfMemoryWatch() : kills_before_(read_oom_kills()) {}

bool OutOfMemoryWatch::struck() const {
  return kills_before_.has_value() && read_oom_kills() > kills_before_;
}

void judge_ending(const ChildEnd& end, bool out_of_memory, Nanoseconds timeout,
                  int accepted_exit_code, RunResult& result) {
  if (end.report && end.report->exec_errno == 0) {
    const int status = end.report->wait_status;
    result.started_unix_ns = end.report->started_unix_ns;
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  }
  if (end.stopped == Stop::kInterrupted) {
    return result.conclude(Status::kInterrupted, "stopped together with heapwise");
  }
  if (end.stopped == Stop::kTimedOut) {
    constexpr double kPerSecond = 1e9;
    return result.conclude(Status::kTimedOut,
                           fmt::format("not done after {:.0f} s, so it was stopped",
                                       static_cast<double>(timeout.value) / kPerSecond));
  }
  if (!end.report) {
    return result.conclude(Status::kCrashed,
                           "heapwise-launch ended without a report" + last_words(end.errors));
  }
  if (end.report->exec_errno != 0) {
    return result.conclude(Status::kCrashed, "not started: " + not_started_words(end));
  }
  if (result.signal) return judge_signal(*result.signal, out_of_memory, end.errors, result);
  if (result.exit_code != accepted_exit_code) {
    return result.conclude(
        Status::kCrashed, fmt::format("exit code {} instead of {}{}", result.exit_code.value_or(-1),
                                      accepted_exit_code, last_words(end.errors)));
  }
  result.conclude(Status::kOk, "");
}

void judge_worker(const ChildEnd& end, const WorkerAnswer& answer, bool out_of_memory,
                  Nanoseconds timeout, RunResult& result) {
  judge_ending(end, out_of_memory, timeout, answer.refused ? kRefusedExitCode : 0, result);
  if (result.status != Status::kOk) return;
  const auto& said = answer.refused ? answer.refused : answer.figures;
  if (!said) {
    return result.conclude(Status::kCrashed,
                           answer.garbled.empty()
                               ? "ended without its figures" + last_words(end.errors)
                               : "sent a line that is not the protocol's: " + answer.garbled);
  }
  const auto status = status_from_name(said->value("status", ""));
  if (!status || (answer.refused && status == Status::kOk)) {
    return result.conclude(
        Status::kCrashed, "gave itself a status that does not exist: " + said->value("status", ""));
  }
  result.conclude(*status, said->value("status_detail", ""));
}

void judge_pressure(const MemoryPressure& pressure, Bytes limit, RunResult& result) {
  const auto kills = pressure.kills_count.value_or(0);
  // A group above has a limit too, or the machine was out of memory: not the limit's doing.
  const bool at_limit = pressure.limit_hits_count != std::uint64_t{0};
  if (kills == 0 || !at_limit) return;
  const auto where = "by the kernel at the memory limit of " + format_scaled(limit.value);
  const auto some =
      fmt::format("{} of its processes {} killed {}", kills, kills == 1 ? "was" : "were", where);
  if (result.status == Status::kOk && result.outcome.is_object()) {
    result.outcome["remarks"].push_back(some);
  }
  if (!may_follow_a_kill(result.status)) return;
  const bool was_killed = result.signal == SIGKILL && result.status != Status::kTimedOut;
  result.conclude(Status::kOutOfMemory,
                  was_killed ? "killed " + where : some + ": " + result.status_detail);
}

}  // namespace heapwise

#include "bench/run/outcome.h"

#include <gtest/gtest.h>

#include <csignal>

namespace heapwise {
namespace {

constexpr Nanoseconds kTimeout{30'000'000'000};

ChildEnd exited(int code) {
  LaunchReport report{};
  report.wait_status = code << 8;
  report.started_unix_ns = 17;
  return {.report = report, .stopped = Stop::kNone, .output = {}, .errors = {}};
}

ChildEnd killed(int signal) {
  auto end = exited(0);
  end.report->wait_status = signal;
  return end;
}

WorkerAnswer figures(const char* status) {
  return {
      .refused = {}, .figures = Json{{"status", status}, {"status_detail", "why"}}, .garbled = {}};
}

RunResult judged(const ChildEnd& end, const WorkerAnswer& answer, bool out_of_memory = false) {
  RunResult result;
  judge_worker(end, answer, out_of_memory, kTimeout, result);
  return result;
}

// Catches the worker's own verdict being dropped.
TEST(Outcome, AWorkerThatEndsWellHasTheStatusItGaveItself) {
  EXPECT_EQ(judged(exited(0), figures("ok")).status, Status::kOk);
  EXPECT_EQ(judged(exited(0), figures("integrity_failed")).status, Status::kIntegrityFailed);
  EXPECT_EQ(judged(exited(0), figures("integrity_failed")).status_detail, "why");
  EXPECT_EQ(judged(exited(0), figures("ok")).started_unix_ns, 17U);
}

// Catches an allocator that corrupts the heap and dies in exit: its figures are not to be trusted.
TEST(Outcome, FiguresFollowedByACrashAreACrash) {
  const auto result = judged(killed(SIGSEGV), figures("ok"));
  EXPECT_EQ(result.status, Status::kCrashed);
  EXPECT_EQ(result.signal, SIGSEGV);
  EXPECT_FALSE(result.exit_code.has_value());
}

// Catches a process that ends silently and well without a result.
TEST(Outcome, AnEndWithoutFiguresIsACrash) {
  EXPECT_EQ(judged(exited(0), {}).status, Status::kCrashed);
}

// Catches a kill from outside that is blamed on the allocator or on heapwise.
TEST(Outcome, AKillFromOutsideIsACrashBySignalNine) {
  const auto result = judged(killed(SIGKILL), {});
  EXPECT_EQ(result.status, Status::kCrashed);
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_NE(result.status_detail.find("heapwise did not send"), std::string::npos);
}

// Catches the out-of-memory killer that looks like a crash.
TEST(Outcome, AKillWithTheOutOfMemoryCounterMovedIsOutOfMemory) {
  EXPECT_EQ(judged(killed(SIGKILL), {}, true).status, Status::kOutOfMemory);
}

MemoryPressure pressure(std::uint64_t kills, std::optional<std::uint64_t> hits) {
  return {.kills_count = kills, .limit_hits_count = hits, .peak = {}};
}

constexpr Bytes kLimit{256 * kMiB.value};

// Catches a run that died of its memory limit and looks like a crash of the allocator.
TEST(Outcome, AKillAtTheMemoryLimitIsOutOfMemoryAndSaysWhichLimit) {
  for (const bool noticed_by_the_machine : {false, true}) {
    auto result = judged(killed(SIGKILL), {}, noticed_by_the_machine);
    judge_pressure(pressure(1, 9), kLimit, result);
    EXPECT_EQ(result.status, Status::kOutOfMemory);
    EXPECT_EQ(result.status_detail, "killed by the kernel at the memory limit of 256M");
  }
}

// Catches a kill from outside that is blamed on the limit.
TEST(Outcome, AKillThatTheGroupDidNotCountIsACrashAsBefore) {
  auto result = judged(killed(SIGKILL), {});
  judge_pressure(pressure(0, 9), kLimit, result);
  EXPECT_EQ(result.status, Status::kCrashed);
  EXPECT_EQ(result.status_detail, judged(killed(SIGKILL), {}).status_detail);
}

// Catches a machine, or a group above, that ran out of memory while the limit was never reached.
TEST(Outcome, AKillWithoutAHitAtTheLimitIsNotTheLimits) {
  auto result = judged(killed(SIGKILL), {}, true);
  judge_pressure(pressure(1, 0), kLimit, result);
  EXPECT_EQ(result.status, Status::kOutOfMemory);
  EXPECT_EQ(result.status_detail.find("limit"), std::string::npos);
}

// Catches a shell that passes its killed child on as an exit code, and the reason with it lost.
TEST(Outcome, AProgramThatFailsBecauseOneOfItsProcessesWasKilledIsOutOfMemory) {
  RunResult result;
  judge_ending(exited(137), false, kTimeout, 0, result);
  judge_pressure(pressure(1, std::nullopt), kLimit, result);
  EXPECT_EQ(result.status, Status::kOutOfMemory);
  EXPECT_EQ(
      result.status_detail,
      "1 of its processes was killed by the kernel at the memory limit of 256M: exit code 137 "
      "instead of 0");
}

// Catches a program that lived through the death of a process, and nobody is told.
TEST(Outcome, AProgramThatEndsWellAllTheSameIsOkWithARemark) {
  RunResult result;
  result.outcome = {{"remarks", Json::array()}};
  judge_pressure(pressure(2, 5), kLimit, result);
  EXPECT_EQ(result.status, Status::kOk);
  EXPECT_EQ(result.outcome["remarks"][0],
            "2 of its processes were killed by the kernel at the memory limit of 256M");
}

// Catches a Ctrl-C or a wrong allocator hidden behind a kill, and a time-out without its reason.
TEST(Outcome, WhatAKillCannotCauseStaysAndATimeOutKeepsItsReason) {
  auto end = killed(SIGKILL);
  end.stopped = Stop::kInterrupted;
  auto result = judged(end, {});
  judge_pressure(pressure(1, 1), kLimit, result);
  EXPECT_EQ(result.status, Status::kInterrupted);
  result = judged(exited(0), figures("wrong_allocator"));
  judge_pressure(pressure(1, 1), kLimit, result);
  EXPECT_EQ(result.status, Status::kWrongAllocator);
  end.stopped = Stop::kTimedOut;
  result = judged(end, {});
  judge_pressure(pressure(1, 1), kLimit, result);
  EXPECT_NE(result.status_detail.find("not done after 30 s"), std::string::npos);
}

// Catches our own kill that is recorded as a crash.
TEST(Outcome, OurOwnKillsAreTimedOutOrInterrupted) {
  auto end = killed(SIGKILL);
  end.stopped = Stop::kTimedOut;
  EXPECT_EQ(judged(end, {}).status, Status::kTimedOut);
  EXPECT_EQ(judged(end, {}).status_detail, "not done after 30 s, so it was stopped");
  end.stopped = Stop::kInterrupted;
  EXPECT_EQ(judged(end, figures("ok")).status, Status::kInterrupted);
}

// Catches a refusal that is lost because the worker exits with 3.
TEST(Outcome, ARefusalIsTheStatusItNames) {
  WorkerAnswer answer;
  answer.refused = Json{{"status", "wrong_allocator"}, {"status_detail", "libc answers"}};
  EXPECT_EQ(judged(exited(3), answer).status, Status::kWrongAllocator);
  answer.refused = Json{{"status", "ok"}};
  EXPECT_EQ(judged(exited(3), answer).status, Status::kCrashed);
}

// Catches a status that this build does not know and would store as nonsense.
TEST(Outcome, AStatusThatDoesNotExistIsACrash) {
  EXPECT_EQ(judged(exited(0), figures("splendid")).status, Status::kCrashed);
}

// Catches an error message of the dying process that nobody ever sees.
TEST(Outcome, TheLastWordsOfADyingProcessAreInTheDetail) {
  auto end = killed(SIGABRT);
  end.errors = "first\nfree(): invalid pointer\n";
  EXPECT_NE(judged(end, {}).status_detail.find("free(): invalid pointer"), std::string::npos);
}

// Catches a program that could not be started and counts as fast.
TEST(Outcome, ACommandThatCannotBeExecutedIsACrash) {
  auto end = exited(0);
  end.report->exec_errno = ENOENT;
  EXPECT_EQ(judged(end, {}).status, Status::kCrashed);
  EXPECT_EQ(judged(end, {}).status_detail, "not started: No such file or directory");
  end.errors = "heapwise-launch: cannot enter the cgroup of /c: Permission denied\n";
  EXPECT_EQ(judged(end, {}).status_detail,
            "not started: cannot enter the cgroup of /c: Permission denied");
  end.report.reset();
  EXPECT_EQ(judged(end, {}).status, Status::kCrashed);
}

// Catches a failing command that is compared by its time.
TEST(Outcome, ACommandMustExitAsExpected) {
  RunResult result;
  judge_ending(exited(1), false, kTimeout, 0, result);
  EXPECT_EQ(result.status, Status::kCrashed);
  judge_ending(exited(1), false, kTimeout, 1, result);
  EXPECT_EQ(result.status, Status::kOk);
}

// Catches figures of a failed run in the journal.
TEST(Outcome, ARecordThatIsNotOkHasNoFigures) {
  RunResult result{.status = Status::kIntegrityFailed};
  result.metrics["wall_per_operation_ns"] = 3;
  const auto record = to_record({}, result);
  EXPECT_TRUE(record["metrics"].empty());
  EXPECT_TRUE(record["exit_code"].is_null());
}

}  // namespace
}  // namespace heapwise

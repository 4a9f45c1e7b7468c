// Children for real: the launcher that was built beside this test.
#include "bench/run/child.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "bench/core/clock.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr Nanoseconds kLong{20'000'000'000};
constexpr Nanoseconds kShort{200'000'000};

ChildRequest shell(const std::string& script) {
  return {.launcher = HEAPWISE_LAUNCHER,
          .launch_options = {},
          .command = {"/bin/sh", "-c", script},
          .environment = {"PATH=/usr/bin:/bin"}};
}

ChildEnd run(const ChildRequest& request, Nanoseconds timeout = kLong) {
  Interrupt interrupt;
  return Child(request).finish(deadline_after(timeout), interrupt);
}

// Catches an exit code or output that is lost on the way.
TEST(Child, ExitCodeAndOutputComeBack) {
  const auto end = run(shell("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(end.report.has_value());
  EXPECT_EQ(WEXITSTATUS(end.report->wait_status), 7);
  EXPECT_EQ(end.output, "out\n");
  EXPECT_EQ(end.errors, "err\n");
  EXPECT_EQ(end.stopped, Stop::kNone);
}

// Catches a hung process, or a grandchild of it, that lives on and disturbs what follows.
TEST(Child, AHungCommandIsStoppedWithItsGroup) {
  const auto begun = monotonic_now();
  const auto end = run(shell("sleep 100 & sleep 100"), kShort);
  EXPECT_EQ(end.stopped, Stop::kTimedOut);
  EXPECT_LT((monotonic_now() - begun).value, kLong.value);
  ASSERT_TRUE(end.report.has_value());
  EXPECT_TRUE(WIFSIGNALED(end.report->wait_status));
}

// Catches a Ctrl-C that leaves the measured process running.
TEST(Child, CtrlCStopsTheCommand) {
  Interrupt interrupt;
  Child child(shell("sleep 100"));
  kill(getpid(), SIGINT);
  EXPECT_EQ(child.finish(deadline_after(kLong), interrupt).stopped, Stop::kInterrupted);
}

// Catches a child that floods standard error and blocks on it, or fills the memory.
TEST(Child, FloodedStandardErrorIsCutOffAndDoesNotBlock) {
  const auto end = run(shell("head -c 3000000 /dev/zero >&2; exit 3"));
  ASSERT_TRUE(end.report.has_value());
  EXPECT_LE(end.errors.size(), 65536U);
  EXPECT_EQ(end.stopped, Stop::kNone);
}

// Catches descriptors of the parent that a measured process inherits.
TEST(Child, OnlyStandardStreamsAndWhatIsHandedAreInherited) {
  const auto end = run(shell("ls /proc/self/fd"));
  // 0 1 2, and the one ls reads its own folder by.
  EXPECT_EQ(end.output, "0\n1\n2\n3\n");
}

// Catches the parent's blocked signals in the measured process, which could not be stopped then.
TEST(Child, NoSignalIsBlockedInTheChild) {
  const auto end = run(shell("grep SigBlk /proc/self/status"));
  EXPECT_EQ(end.output, "SigBlk:\t0000000000000000\n");
}

// Catches a missing launcher that looks like a crash of the allocator.
TEST(Child, AMissingLauncherIsAnError) {
  auto request = shell("true");
  request.launcher = "/nonexistent/heapwise-launch";
  EXPECT_THROW(run(request), RunError);
}

// Catches a program that cannot be executed and counts as one that ran.
TEST(Child, AProgramThatCannotBeExecutedIsReported) {
  auto request = shell("true");
  request.command = {"/nonexistent/program"};
  const auto end = run(request);
  ASSERT_TRUE(end.report.has_value());
  EXPECT_EQ(end.report->exec_errno, ENOENT);
}

}  // namespace
}  // namespace heapwise

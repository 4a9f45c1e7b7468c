// The evil libraries must be as evil as they say, or the tests that rely on them prove nothing.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "tests/bench/launch/launched.h"

namespace heapwise {
namespace {

LaunchRequest victim_of(const std::string& library, const std::string& mode) {
  return {.command = {HEAPWISE_VICTIM_PROGRAM, mode}, .environment = {"LD_PRELOAD=" + library}};
}

// Catches: an evil library that no process survives long enough to be measured on.
TEST(EvilLibraries, LetAProcessStart) {
  for (const std::string library : {EVIL_CRASH, EVIL_HANG, EVIL_OVERLAP, EVIL_FAKE_JEMALLOC}) {
    const LaunchResult result = run_launched(victim_of(library, "start"));
    EXPECT_TRUE(result.exited_with(0)) << library << "\n" << result.output;
  }
}

// Catches: a victim that reports damage on a sound allocator.
TEST(EvilLibraries, TheVictimIsUnharmedWithoutThem) {
  EXPECT_TRUE(run_launched({.command = {HEAPWISE_VICTIM_PROGRAM, "run"}}).exited_with(0));
}

TEST(EvilLibraries, TheCrashCrashesInTheMidstOfARun) {
  EXPECT_TRUE(run_launched(victim_of(EVIL_CRASH, "run")).killed_by(SIGSEGV));
}

TEST(EvilLibraries, TheHangNeverEndsAndUsesNoTime) {
  Launch launch(victim_of(EVIL_HANG, "run"));
  std::this_thread::sleep_for(std::chrono::seconds(1));  // a sound run takes a hundredth of it
  kill(launch.pid(), SIGTERM);
  const LaunchResult result = launch.finish();
  EXPECT_TRUE(result.killed_by(SIGKILL));
  EXPECT_LT(result.report.user_cpu_ns + result.report.system_cpu_ns, result.report.wall_ns / 2);
}

TEST(EvilLibraries, TheOverlapDestroysContentsAndLetsTheProcessEnd) {
  EXPECT_TRUE(run_launched(victim_of(EVIL_OVERLAP, "run")).exited_with(9));
}

TEST(EvilLibraries, TheFalseJemallocSaysItsVersionAndItsStatisticsStandStill) {
  const LaunchResult result = run_launched(victim_of(EVIL_FAKE_JEMALLOC, "jemalloc"));
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_EQ(result.output, "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c frozen\n");
  EXPECT_TRUE(run_launched(victim_of(EVIL_FAKE_JEMALLOC, "run")).exited_with(0));
}

}  // namespace
}  // namespace heapwise

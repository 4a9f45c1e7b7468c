// heapwise-launch and the processes that its command starts: whose figures they are, and that none
// gets away. A process that is left behind loads the machine under every later measurement.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/bench/launch/launched.h"
#include "tests/bench/launch/scratch_folder.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kWorkCpuNs = 200'000'000;  // what tree_program's deed "work" takes
constexpr std::uint64_t kWorkBytes = 64 * kMiB;
constexpr int kTreeExitCode = 5;
constexpr int kServedExitCode = 6;

using Options = std::vector<std::string>;
const Options kUntraced = {};
const Options kTraced = {"--trace-system-calls"};

// A pipe that every process of a tree inherits: it is at its end when the last of them has gone.
class LifeLine {
 public:
  LifeLine() {
    if (pipe(ends_) != 0) throw std::runtime_error("pipe");
    fcntl(ends_[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~LifeLine() {
    close(ends_[0]);
    close(ends_[1]);
  }
  LifeLine(const LifeLine&) = delete;
  LifeLine& operator=(const LifeLine&) = delete;

  /// To be asked once.
  bool has_ended() {
    close(ends_[1]);
    ends_[1] = -1;
    char byte = 0;
    return read(ends_[0], &byte, 1) == 0;
  }

 private:
  int ends_[2] = {-1, -1};
};

LaunchRequest tree(const std::vector<std::string>& words, const Options& options = {}) {
  LaunchRequest request{.options = options, .command = {HEAPWISE_TREE_PROGRAM}};
  request.command.insert(request.command.end(), words.begin(), words.end());
  return request;
}

LaunchRequest shell(const std::string& script, const Options& options = {}) {
  return {.options = options, .command = {"sh", "-c", script}};
}

Options whole_tree(Options options) {
  options.emplace_back("--whole-tree");
  return options;
}

std::uint64_t cpu_ns(const LaunchReport& report) {
  return report.user_cpu_ns + report.system_cpu_ns;
}

LaunchReport report_in(const std::string& path) {
  LaunchReport report{};
  std::ifstream(path).read(reinterpret_cast<char*>(&report), sizeof report);
  EXPECT_EQ(report.magic, kLaunchReportMagic);
  return report;
}

class ProcessTree : public testing::TestWithParam<Options> {};

INSTANTIATE_TEST_SUITE_P(Traced, ProcessTree, testing::Values(kUntraced, kTraced),
                         [](const auto& instance) {
                           return instance.param.empty() ? "no" : "yes";
                         });

// Catches: a daemon, out of the command's group and session, that runs on for ever and unnoticed.
TEST_P(ProcessTree, ADaemonIsStoppedWhenTheCommandEndsAndCounted) {
  LifeLine tree_lives;
  const LaunchResult result = run_launched(tree({"daemon", "sleep"}, GetParam()));
  EXPECT_TRUE(result.exited_with(kTreeExitCode)) << result.output;
  EXPECT_EQ(result.report.leftover_processes_count, 1U);
  EXPECT_EQ(result.report.surviving_processes_count, 0U);
  EXPECT_EQ(result.report.tree_status, result.report.wait_status)
      << "not how the launcher ended it";
  EXPECT_TRUE(tree_lives.has_ended());
}

// Catches: every deeper level of what is left behind going uncounted, or living on.
TEST_P(ProcessTree, AllThatIsLeftIsCountedHoweverDeep) {
  LifeLine tree_lives;
  const LaunchResult result = run_launched(
      shell("(setsid sh -c 'setsid sh -c \"sleep 1000 & echo; wait\" & wait' &) | head -n 1",
            GetParam()));
  EXPECT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_EQ(result.report.leftover_processes_count, 3U);
  EXPECT_TRUE(tree_lives.has_ended());
}

// Catches: processes that had ended already counted as left behind.
TEST_P(ProcessTree, AZombieIsNoLeftover) {
  const LaunchResult result = run_launched(tree({"zombie"}, GetParam()));
  EXPECT_TRUE(result.exited_with(kTreeExitCode)) << result.output;
  EXPECT_EQ(result.report.leftover_processes_count, 1U) << "its parent, and not the zombie";
}

// Catches: a server that goes into the background measured as the command that started it.
TEST_P(ProcessTree, TheWholeTreeIsWaitedForAndMeasured) {
  const LaunchResult result = run_launched(tree({"daemon", "work"}, whole_tree(GetParam())));
  EXPECT_TRUE(result.exited_with(kTreeExitCode)) << result.output;
  EXPECT_EQ(result.report.tree_status, 0);
  EXPECT_EQ(result.report.leftover_processes_count, 0U);
  EXPECT_GE(cpu_ns(result.report), kWorkCpuNs);
  EXPECT_GE(result.report.wall_ns, kWorkCpuNs) << "one thread: wall time is no less than CPU time";
  EXPECT_GE(result.report.peak_rss_bytes, kWorkBytes);
}

// Catches: the crash of a daemon hidden behind the exit code 0 of the command that started it.
TEST_P(ProcessTree, ACrashInTheTreeIsInItsStatus) {
  const LaunchResult result = run_launched(tree({"daemon", "crash"}, whole_tree(GetParam())));
  EXPECT_TRUE(result.exited_with(kTreeExitCode)) << result.output;
  EXPECT_TRUE(WIFSIGNALED(result.report.tree_status));
  EXPECT_EQ(WTERMSIG(result.report.tree_status), SIGSEGV);
  // Neither what ends later nor an exit code of its own hides it.
  const LaunchResult earlier = run_launched(tree({"waits", "crash"}, GetParam()));
  EXPECT_TRUE(earlier.exited_with(kTreeExitCode)) << earlier.output;
  EXPECT_TRUE(WIFSIGNALED(earlier.report.tree_status));
  // A process whose own parent waits for it is that parent's affair.
  const LaunchResult handled = run_launched(shell("sh -c 'kill -ABRT $$'; exit 3", GetParam()));
  EXPECT_TRUE(handled.exited_with(3)) << handled.output;
  EXPECT_EQ(handled.report.tree_status, handled.report.wait_status);
}

// Catches: CPU time and memory on nobody's account because the parent had ended first.
TEST_P(ProcessTree, ProcessesThatOutliveTheirParentAreAccounted) {
  const LaunchResult result = run_launched(tree({"waits", "work"}, GetParam()));
  EXPECT_TRUE(result.exited_with(kTreeExitCode)) << result.output;
  EXPECT_EQ(result.report.leftover_processes_count, 0U);
  EXPECT_GE(cpu_ns(result.report), kWorkCpuNs);
  EXPECT_LT(cpu_ns(result.report), 2 * kWorkCpuNs) << "counted twice";
  EXPECT_GE(result.report.peak_rss_bytes, kWorkBytes);
}

// Catches: a timed-out program, or a part of it, that goes on under the next measurement.
TEST_P(ProcessTree, TerminationReachesSessionsOfTheirOwn) {
  LifeLine tree_lives;
  Launch launch(shell("setsid sh -c 'trap \"\" TERM; setsid sleep 1000 & echo; wait' & wait",
                      whole_tree(GetParam())));
  launch.wait_for_lines(1);
  kill(launch.pid(), SIGTERM);
  const LaunchResult result = launch.finish();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.killed_by(SIGKILL)) << result.output;
  EXPECT_EQ(result.report.leftover_processes_count, 0U) << "the command did not end by itself";
  EXPECT_TRUE(tree_lives.has_ended());
}

// Catches: a process that escapes because it was started while the others were being killed.
TEST_P(ProcessTree, TerminationReachesATreeThatForksMeanwhile) {
  for (const char* how : {"spreads", "relay"}) {
    LifeLine tree_lives;
    Launch launch(tree({how}, whole_tree(GetParam())));
    launch.wait_for_lines(1);
    usleep(20'000);
    kill(launch.pid(), SIGTERM);
    const LaunchResult result = launch.finish();
    EXPECT_EQ(result.exit_code, 0) << how;
    EXPECT_TRUE(result.report_written) << how;
    EXPECT_EQ(result.report.surviving_processes_count, 0U) << how;
    EXPECT_TRUE(tree_lives.has_ended()) << how;
  }
  LifeLine tree_lives;
  EXPECT_TRUE(run_launched(tree({"relay"}, GetParam())).exited_with(kTreeExitCode));
  EXPECT_TRUE(tree_lives.has_ended());
}

// Catches: a kill that a stopped process never gets to see.
TEST_P(ProcessTree, AStoppedProcessIsKilledToo) {
  LifeLine tree_lives;
  Launch launch(shell("sleep 1000 & kill -STOP $!; echo; kill -STOP $$", GetParam()));
  launch.wait_for_lines(1);
  kill(launch.pid(), SIGTERM);
  EXPECT_TRUE(launch.finish().killed_by(SIGKILL));
  EXPECT_TRUE(tree_lives.has_ended());
}

// Catches: SIGTERM that comes early and is lost, so that the program runs to its own end.
TEST_P(ProcessTree, TerminationMayComeAtAnyMoment) {
  for (useconds_t delay = 0; delay < 2000; delay += 50) {
    LifeLine tree_lives;
    Launch launch(shell("setsid sleep 1000 & sleep 1000", GetParam()));
    usleep(delay);
    kill(launch.pid(), SIGTERM);
    const LaunchResult result = launch.finish();
    EXPECT_TRUE(result.killed_by(SIGKILL) || !result.report_written) << delay;
    EXPECT_TRUE(tree_lives.has_ended()) << delay;
  }
}

// Catches: a program that was asked to end and is recorded as killed.
TEST_P(ProcessTree, AskingToEndLetsTheCommandTidyUp) {
  Launch launch(
      shell("trap 'echo tidied; exit 0' TERM; sh -c \"trap 'echo asked' TERM; echo;"
            " while :; do sleep 0.01; done\" & while :; do sleep 0.01; done",
            GetParam()));
  launch.wait_for_lines(1);
  kill(launch.pid(), SIGUSR1);
  const LaunchResult result = launch.finish();
  EXPECT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_NE(result.output.find("tidied"), std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("asked"), std::string::npos) << "its child is the command's affair";
  EXPECT_GE(result.report.leftover_processes_count, 1U);
}

// Catches: a daemon that cannot be asked to end because nobody knows its number any more.
TEST_P(ProcessTree, AskingToEndReachesADaemon) {
  Launch launch(tree({"daemon", "serve"}, whole_tree(GetParam())));
  launch.wait_for_lines(1);
  kill(launch.pid(), SIGUSR1);
  const LaunchResult result = launch.finish();
  EXPECT_TRUE(result.exited_with(kTreeExitCode)) << result.output;
  EXPECT_EQ(WEXITSTATUS(result.report.tree_status), kServedExitCode);
}

// Catches: a launcher that waits for ever for a process that will not go.
TEST(ProcessTreeOnce, AProcessThatSomebodyHoldsIsReportedAndNotWaitedFor) {
  const ScratchFolder scratch;
  Launch launch(shell("sleep 1000 & echo $!; while ! test -e " + scratch.file("go") +
                      "; do sleep 0.01; done"));
  const pid_t held = std::stoi(launch.wait_for_lines(1));
  ASSERT_EQ(ptrace(PTRACE_SEIZE, held, nullptr, nullptr), 0) << errno;
  std::ofstream(scratch.file("go")) << "go";
  const LaunchResult result = launch.finish();
  EXPECT_TRUE(result.report_written);
  EXPECT_EQ(result.report.leftover_processes_count, 1U);
  EXPECT_EQ(result.report.surviving_processes_count, 1U);
  kill(held, SIGKILL);  // where the launcher has not
  waitpid(held, nullptr, __WALL);
}

// Catches: a program that stops for a password and takes the whole campaign along. Run under a
// terminal, or it could not fail.
TEST(ProcessTreeOnce, TheCommandHasNoControllingTerminal) {
  int terminal = -1;
  const pid_t under_terminal = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (under_terminal == 0) {
    if (open("/dev/tty", O_RDWR) < 0) _exit(2);
    const LaunchResult result = run_launched(shell("exec 3</dev/tty"));
    _exit(result.report_written && WIFEXITED(result.report.wait_status) &&
                  WEXITSTATUS(result.report.wait_status) != 0
              ? 0
              : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(under_terminal, &status, 0), under_terminal);
  close(terminal);
  EXPECT_EQ(status, 0);
}

// Catches: a command that eats all memory and has another program killed for it.
TEST(ProcessTreeOnce, TheTreeIsWhatTheKernelKillsForMemory) {
  const LaunchResult result = run_launched(shell("cat /proc/self/oom_score_adj"));
  EXPECT_EQ(result.output, "1000\n");
}

// Catches: a parent that ignores the ends of its children, and with them those of ours.
TEST(ProcessTreeOnce, AnIgnoredChildSignalIsNotInherited) {
  const ScratchFolder scratch;
  const std::string path = scratch.file("report");
  run_launched(shell("exec env --ignore-signal=CHLD " HEAPWISE_LAUNCH
                     " --report-fd 3 -- sh -c 'exit 7' 3>" +
                     path));
  const LaunchReport report = report_in(path);
  EXPECT_EQ(report.exec_errno, 0);
  EXPECT_EQ(WEXITSTATUS(report.wait_status), 7);
}

// Catches: what a shell ran before it became the launcher, counted as the command's.
TEST(ProcessTreeOnce, WhatRanBeforeInTheSameProcessIsNotCounted) {
  const ScratchFolder scratch;
  const std::string path = scratch.file("report");
  const LaunchResult outer = run_launched(
      shell(HEAPWISE_TREE_PROGRAM " waits work; exec " HEAPWISE_LAUNCH " --report-fd 3 -- true 3>" +
            path));
  EXPECT_GE(outer.report.peak_rss_bytes, kWorkBytes) << outer.output;
  EXPECT_LT(report_in(path).peak_rss_bytes, 8 * kMiB);
  EXPECT_LT(cpu_ns(report_in(path)), kWorkCpuNs);
}

// Catches: a background job of the user's shell killed as if the command had left it.
TEST(ProcessTreeOnce, ChildrenFromBeforeTheCommandAreARefusal) {
  const LaunchResult outer = run_launched(
      shell("sleep 1000 & exec " HEAPWISE_LAUNCH " --report-fd 3 -- true 3>/dev/null"));
  EXPECT_TRUE(outer.exited_with(1)) << outer.output;
  EXPECT_NE(outer.output.find("without exec"), std::string::npos) << outer.output;
  EXPECT_EQ(outer.report.leftover_processes_count, 1U) << "the inner launcher has killed it";
}

}  // namespace
}  // namespace heapwise

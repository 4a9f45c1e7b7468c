// heapwise-launch, as its users see it. Every figure of the suite about a whole process comes
// through it, so what it gets wrong is wrong everywhere and looks like a measurement.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/bench/launch/launched.h"
#include "tests/bench/launch/scratch_folder.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

LaunchResult run_shell(const std::string& script, const std::vector<std::string>& options = {}) {
  return run_launched({.options = options, .command = {"sh", "-c", script}});
}

std::vector<pid_t> process_numbers(const std::string& text) {
  std::istringstream stream(text);
  std::vector<pid_t> numbers;
  for (pid_t number = 0; stream >> number;) numbers.push_back(number);
  return numbers;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Catches: a failed program recorded as one that was merely quick.
TEST(Launcher, ReportsTheExitCodeOfTheCommand) {
  const LaunchResult result = run_shell("exit 7");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.exited_with(7)) << result.output;
  EXPECT_GT(result.report.wall_ns, 0U);
  EXPECT_GT(result.report.started_unix_ns, 0U);
}

// Catches: a crash recorded as 0.00 seconds.
TEST(Launcher, ReportsTheSignalThatEndedTheCommand) {
  EXPECT_TRUE(run_shell("kill -SEGV $$").killed_by(SIGSEGV));
  EXPECT_TRUE(run_shell("kill -KILL $$", {"--trace-system-calls"}).killed_by(SIGKILL));
}

// Catches: a command that does not exist, measured as one that ended with 127.
TEST(Launcher, TellsACommandThatCannotBeExecutedFromOneThatFailed) {
  const LaunchResult missing = run_launched({.command = {"no-such-program-here"}});
  EXPECT_EQ(missing.exit_code, 0);
  ASSERT_TRUE(missing.report_written);
  EXPECT_EQ(missing.report.exec_errno, ENOENT);
  EXPECT_NE(missing.output.find("no-such-program-here"), std::string::npos) << missing.output;

  const LaunchResult folder = run_launched({.command = {"/"}});
  ASSERT_TRUE(folder.report_written);
  EXPECT_EQ(folder.report.exec_errno, EACCES);

  EXPECT_TRUE(run_shell("exit 127").exited_with(127));

  const LaunchResult traced =
      run_launched({.options = {"--trace-system-calls"}, .command = {"no-such-program-here"}});
  ASSERT_TRUE(traced.report_written);
  EXPECT_EQ(traced.report.exec_errno, ENOENT);
}

// Catches: trap 4, a child whose peak RSS is that of the program that measures it.
TEST(Launcher, PeakRssOfASmallCommandIsSmallThoughTheParentIsLarge) {
  std::vector<char> ballast(200 * kMiB, 1);
  const LaunchResult result = run_launched({.command = {"true"}});
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_EQ(ballast[ballast.size() / 2], 1);
  EXPECT_LT(result.report.peak_rss_bytes, 8 * kMiB);
}

// Catches: a launcher that has grown until it shows in the figures of small commands.
TEST(Launcher, ItsOwnRssIsBelowOneMegabyte) {
  const LaunchResult result = run_launched({.command = {HEAPWISE_LAUNCH, "--help"}});
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_LT(result.report.peak_rss_bytes, kMiB);
}

// Catches: peak RSS or faults in the wrong unit, or taken from the wrong process.
TEST(Launcher, CountsTheFaultsAndThePeakOfAKnownProgram) {
  const std::uint64_t touched = 64 * kMiB;
  const auto pages = touched / static_cast<std::uint64_t>(getpagesize());
  const LaunchResult result = run_launched(
      {.command = {HEAPWISE_MEMORY_PROGRAM, std::to_string(touched), std::to_string(touched)}});
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_GE(result.report.minor_faults_count, pages);
  EXPECT_LT(result.report.minor_faults_count, pages + 1000);
  EXPECT_GE(result.report.peak_rss_bytes, touched);
  EXPECT_LT(result.report.peak_rss_bytes, touched + 16 * kMiB);
}

// Catches: a limit that is announced and not set, so that a runaway cell takes the machine along.
TEST(Launcher, LimitsTheAddressSpaceOfTheCommand) {
  const std::vector<std::string> command{HEAPWISE_MEMORY_PROGRAM, std::to_string(1024 * kMiB), "0"};
  const std::vector<std::string> limit{"--address-space", std::to_string(512 * kMiB)};
  EXPECT_TRUE(run_launched({.command = command}).exited_with(0));
  EXPECT_TRUE(run_launched({.options = limit, .command = command}).exited_with(3));
}

// Catches: a command that runs outside of its cgroup, unlimited, and nobody is told.
TEST(Launcher, TheCommandEntersTheCgroupOrDoesNotRun) {
  const ScratchFolder scratch;
  const auto procs = scratch.file("cgroup.procs");
  std::ofstream{procs};
  const LaunchResult inside =
      run_launched({.options = {"--cgroup-procs", procs}, .command = {"cat", procs}});
  ASSERT_TRUE(inside.exited_with(0)) << inside.output;
  EXPECT_EQ(inside.output, "0") << "the process that writes is meant, not the launcher";

  const LaunchResult outside = run_launched(
      {.options = {"--cgroup-procs", scratch.file("none")}, .command = {"echo", "ran"}});
  ASSERT_TRUE(outside.report_written);
  EXPECT_EQ(outside.report.exec_errno, ENOENT);
  EXPECT_NE(outside.output.find("cannot enter the cgroup of " + scratch.file("none")),
            std::string::npos)
      << outside.output;
  EXPECT_EQ(outside.output.find("ran"), std::string::npos);
}

// Catches: a command that works on other files, or in another folder, than the record says.
TEST(Launcher, ConnectsTheStandardStreamsAndTheFolder) {
  const ScratchFolder scratch;
  std::ofstream(scratch.file("in")) << "words\n";
  std::ofstream(scratch.file("out")) << "what was here before is longer\n";
  const LaunchResult result =
      run_shell("cat; pwd; echo problem >&2",
                {"--stdin", scratch.file("in"), "--stdout", scratch.file("out"), "--stderr",
                 scratch.file("err"), "--directory", scratch.path().string()});
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_EQ(content_of(scratch.file("out")), "words\n" + scratch.path().string() + "\n");
  EXPECT_EQ(content_of(scratch.file("err")), "problem\n");
  EXPECT_EQ(result.output, "");
}

// Catches: a run without its input that counts as a run.
TEST(Launcher, AnUnusableFileOrFolderIsAReportWithTheReason) {
  for (const std::string option : {"--stdin", "--stdout", "--stderr", "--directory"}) {
    const LaunchResult result =
        run_launched({.options = {option, "/no/such/place"}, .command = {"true"}});
    ASSERT_TRUE(result.report_written) << option;
    EXPECT_EQ(result.report.exec_errno, ENOENT) << option;
    EXPECT_NE(result.output.find("/no/such/place"), std::string::npos) << result.output;
  }
}

// Catches: a command that can write into the report, and one that lost the socket it was given.
TEST(Launcher, TheCommandInheritsEveryDescriptorButTheReports) {
  const ScratchFolder scratch;
  const int given = open(scratch.file("given").c_str(), O_RDWR | O_CREAT, 0600);
  Launch launch({.command = {"ls", "-l", "/proc/self/fd"}});
  close(given);
  const std::string report_pipe = launch.report_pipe_name();
  const LaunchResult result = launch.finish();
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_NE(result.output.find(scratch.file("given")), std::string::npos) << result.output;
  EXPECT_EQ(result.output.find(report_pipe), std::string::npos) << result.output;
}

// Catches: processes that go on loading the machine under the next measurement.
TEST(Launcher, TerminationKillsTheWholeTreeAndStillReports) {
  for (const bool traced : {false, true}) {
    const std::vector<std::string> options =
        traced ? std::vector<std::string>{"--trace-system-calls"} : std::vector<std::string>{};
    Launch launch({.options = options,
                   .command = {"sh", "-c", "sleep 1000 & echo $$ $!; trap '' TERM; wait"}});
    const auto processes = process_numbers(launch.wait_for_lines(1));
    ASSERT_EQ(processes.size(), 2U);
    kill(launch.pid(), SIGTERM);
    const LaunchResult result = launch.finish();
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_TRUE(result.killed_by(SIGKILL));
    EXPECT_EQ(result.report.command_pid, processes[0]);
    for (const pid_t process : processes) EXPECT_TRUE(has_ended(process));
  }
}

// Catches: a command that outlives a launcher that was killed outright.
TEST(Launcher, TheCommandDiesWithTheLauncher) {
  Launch launch({.command = {"sh", "-c", "echo $$; exec sleep 1000"}});
  const auto processes = process_numbers(launch.wait_for_lines(1));
  ASSERT_EQ(processes.size(), 1U);
  kill(launch.pid(), SIGKILL);
  EXPECT_FALSE(launch.finish().report_written);
  EXPECT_TRUE(has_ended(processes[0]));
}

// Catches: a campaign that was killed and leaves its children running.
TEST(Launcher, TheWholeTreeDiesWithTheParentOfTheLauncher) {
  const ScratchFolder scratch;
  const pid_t parent = fork();
  if (parent == 0) {
    Launch launch({.options = {"--stdout", scratch.file("out")},
                   .command = {"sh", "-c", "sleep 1000 & echo $$ $!; wait"}});
    while (content_of(scratch.file("out")).find('\n') == std::string::npos) usleep(1000);
    _exit(0);
  }
  waitpid(parent, nullptr, 0);
  const auto processes = process_numbers(content_of(scratch.file("out")));
  ASSERT_EQ(processes.size(), 2U);
  for (const pid_t process : processes) EXPECT_TRUE(has_ended(process));
}

// Catches: Ctrl-C ending the launcher before the parent has decided anything.
TEST(Launcher, AnInterruptIsLeftToTheParentAndNotInheritedAsIgnored) {
  const ScratchFolder scratch;
  Launch launch({.command = {"sh", "-c",
                             "echo started; while ! test -e " + scratch.file("go") +
                                 "; do sleep 0.01; done; exit 4"}});
  launch.wait_for_lines(1);
  for (const int signal : {SIGINT, SIGHUP, SIGQUIT}) kill(launch.pid(), signal);
  std::ofstream(scratch.file("go")) << "go";
  EXPECT_TRUE(launch.finish().exited_with(4));
  for (const int signal : {SIGINT, SIGHUP, SIGQUIT, SIGTERM, SIGPIPE}) {
    EXPECT_TRUE(run_shell("kill -" + std::to_string(signal) + " $$").killed_by(signal)) << signal;
  }
}

// Catches: a signal meant for the command's group, or from its terminal, that ends the parent too.
TEST(Launcher, TheCommandLeadsAGroupAndASessionOfItsOwn) {
  const LaunchResult result = run_shell("echo $$; cut -d ' ' -f 5-6 /proc/$$/stat");
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  const auto numbers = process_numbers(result.output);
  ASSERT_EQ(numbers.size(), 3U) << result.output;
  EXPECT_EQ(numbers[0], numbers[1]);
  EXPECT_EQ(numbers[0], numbers[2]);
}

// Catches: a typing error that starts something else than was meant.
TEST(Launcher, WrongArgumentsStartNothingAndSayWhatToType) {
  const struct {
    LaunchRequest request;
    const char* expected;
  } cases[] = {
      {{.command = {"true"}, .names_report = false}, "--report-fd N is missing"},
      {{}, "write it after `--`"},
      {{.options = {"--frobnicate"}, .command = {"true"}}, "--frobnicate is not an option"},
      {{.options = {"--stdin"}}, "--stdin needs a value"},
      {{.options = {"--address-space", "1G"}, .command = {"true"}}, "plain number of bytes"},
      {{.options = {"--report-fd", "77"}, .command = {"true"}, .names_report = false},
       "not an open descriptor"},
      {{.options = {"--report-fd", "1"}, .command = {"true"}, .names_report = false},
       "not an open descriptor"},
  };
  for (const auto& [request, expected] : cases) {
    const LaunchResult result = run_launched(request);
    EXPECT_EQ(result.exit_code, 2) << expected;
    EXPECT_FALSE(result.report_written) << expected;
    EXPECT_NE(result.output.find(expected), std::string::npos) << result.output;
  }
}

// Catches: calls counted outside the region, lost in one of the threads, or counted twice.
TEST(SystemCallTracer, CountsTheCallsOfAllThreadsBetweenTheMarkersExactly) {
  for (const std::uint64_t threads : {1U, 2U, 16U}) {
    const LaunchResult result =
        run_launched({.options = {"--trace-system-calls"},
                      .command = {HEAPWISE_REGION_PROGRAM, "calls", std::to_string(threads)}});
    ASSERT_TRUE(result.exited_with(0)) << result.output;
    EXPECT_EQ(result.report.region_seen, 1U);
    EXPECT_EQ(result.report.brk_count, 1U);
    EXPECT_EQ(result.report.mmap_count, 3 * threads);
    EXPECT_EQ(result.report.munmap_count, 3 * threads);
    EXPECT_EQ(result.report.madvise_count, 2 * threads);
    EXPECT_EQ(result.report.mremap_count, threads);
  }
}

// Catches: zero calls reported for a program that was never asked to mark a region.
TEST(SystemCallTracer, WithoutMarkersNothingIsClaimed) {
  const LaunchResult result = run_launched(
      {.options = {"--trace-system-calls"}, .command = {HEAPWISE_REGION_PROGRAM, "unmarked"}});
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_EQ(result.report.region_seen, 0U);
  EXPECT_EQ(result.report.mmap_count, 0U);
}

// Catches: a child's calls on its parent's account, and a child that fails with ENOSYS.
TEST(SystemCallTracer, AChildOfTheRegionWorksAndIsNotCounted) {
  const LaunchResult result = run_launched(
      {.options = {"--trace-system-calls"}, .command = {HEAPWISE_REGION_PROGRAM, "child"}});
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_EQ(result.report.region_seen, 1U);
  EXPECT_EQ(result.report.mmap_count, 1U);
}

// Catches: a traced program that behaves differently because a signal was lost or doubled.
TEST(SystemCallTracer, SignalsAndStopsReachTheProgram) {
  const LaunchResult result = run_launched(
      {.options = {"--trace-system-calls"}, .command = {HEAPWISE_REGION_PROGRAM, "signals"}});
  EXPECT_TRUE(result.exited_with(0)) << "step " << WEXITSTATUS(result.report.wait_status);
}

// Catches: the whole tracer being a side show, where the region is in a grandchild.
TEST(SystemCallTracer, TheRegionMayLieInAProcessThatTheCommandStarts) {
  const LaunchResult result =
      run_shell(HEAPWISE_REGION_PROGRAM " calls 2 && true", {"--trace-system-calls"});
  ASSERT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_EQ(result.report.region_seen, 1U);
  EXPECT_EQ(result.report.mmap_count, 6U);
}

}  // namespace
}  // namespace heapwise

#include "bench/run/limited_runner.h"

#include <gtest/gtest.h>

#include <csignal>

#include "bench/run/run_error.h"
#include "tests/bench/run/fake_cgroups.h"

namespace heapwise {
namespace {

constexpr Bytes kLimit{16 * kMiB.value};

/// Ends as it is told, and leaves the counters of its group so.
class MockRunner : public PairRunner {
 public:
  explicit MockRunner(FakeCgroups& kernel) : kernel_(kernel) {}

  RunResult run(const RunRequest& request) override {
    last_procs_file = request.cgroup_procs;
    const auto folder = last_procs_file.substr(0, last_procs_file.rfind('/'));
    was_there = kernel_.has_folder(folder);
    if (was_there) {
      kernel_.set(folder + "/memory.failcnt", "7\n");
      kernel_.set(folder + "/memory.max_usage_in_bytes", "16777216\n");
      kernel_.set(folder + "/memory.oom_control", "oom_kill " + std::to_string(kills) + "\n");
    }
    return result;
  }

  std::array<RunResult, 2> run_pair(const std::array<RunRequest, 2>&) override { return {}; }

  RunResult result;
  unsigned kills = 0;
  std::string last_procs_file;
  bool was_there = false;

 private:
  FakeCgroups& kernel_;
};

class LimitedRunnerTest : public ::testing::Test {
 protected:
  LimitedRunnerTest() {
    plan_.groups = {{.pass = "memory"}, {.pass = "throughput", .purpose = Purpose::kOwnCost}};
  }

  RunResult run(const std::string& pass, std::size_t group = 0) {
    RunRequest request{.group = group};
    request.cell.pass = pass;
    return runner_.run(request);
  }

  FakeCgroups kernel_{CgroupVersion::kV1, "/a"};
  MockRunner inner_{kernel_};
  Plan plan_;
  MemoryLimit limit_{kLimit, kernel_};
  LimitedRunner runner_{plan_, inner_, limit_};
};

// Would catch: a run whose child is never told of its group, or a group that outlives its run.
TEST_F(LimitedRunnerTest, EachRunEntersAGroupThatIsThereForItAlone) {
  run("throughput");
  EXPECT_TRUE(inner_.was_there);
  EXPECT_TRUE(inner_.last_procs_file.ends_with("/cgroup.procs"));
  EXPECT_EQ(kernel_.folders_count(), 1U);
}

// Would catch: counters that are lost, or written into records whose pass is about something else.
TEST_F(LimitedRunnerTest, ThePassesAboutMemoryHaveTheCounters) {
  for (const auto* pass : {"memory", "command"}) {
    const auto metrics = run(pass).metrics;
    EXPECT_EQ(metrics.value("cgroup_peak_bytes", 0U), kLimit.value) << pass;
    EXPECT_EQ(metrics.value("cgroup_limit_hits_count", 0U), 7U) << pass;
  }
  for (const auto* pass : {"throughput", "malloc_share"}) {
    EXPECT_TRUE(run(pass).metrics.empty()) << pass;
  }
}

// Would catch: a run that the kernel killed at the limit, told as a crash of the allocator.
TEST_F(LimitedRunnerTest, AKillAtTheLimitIsOutOfMemory) {
  inner_.kills = 1;
  inner_.result.signal = SIGKILL;
  inner_.result.conclude(Status::kCrashed, "killed by SIGKILL, which heapwise did not send");
  EXPECT_EQ(run("throughput").status, Status::kOutOfMemory);
}

// Would catch: the null allocator killed for the memory that it never uses twice.
TEST_F(LimitedRunnerTest, TheNullAllocatorIsHeldToNothing) {
  run("throughput", 1);
  EXPECT_EQ(inner_.last_procs_file, "");
}

// Would catch: a comparison in lockstep that says it had a limit and had none.
TEST_F(LimitedRunnerTest, PairsInLockstepAreRefused) {
  EXPECT_THROW(runner_.run_pair({}), RunError);
}

}  // namespace
}  // namespace heapwise

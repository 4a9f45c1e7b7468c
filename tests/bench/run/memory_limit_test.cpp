// Memory limits on a kernel that only pretends, and the real files below a folder of the test's.
#include "bench/run/memory_limit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "bench/run/run_error.h"
#include "tests/bench/run/fake_cgroups.h"
#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

constexpr Bytes kLimit{256 * kMiB.value};
constexpr const char* kOwn = "/user.slice/run-1.scope";

std::string folder_of(const MemoryCgroup& group) {
  const auto file = group.procs_file();
  return file.substr(0, file.rfind('/'));
}

std::string refusal(CgroupFiles& files) {
  try {
    const MemoryLimit limit(kLimit, files);
  } catch (const RunError& error) {
    return error.what();
  }
  return "(possible)";
}

bool holds(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

// Would catch: a run without its limit, and a group for each run that stays behind.
TEST(MemoryLimit, OnV1ARunHasAGroupBelowOursAndItGoesWithTheRun) {
  FakeCgroups kernel(CgroupVersion::kV1, kOwn, 3);
  MemoryLimit limit(kLimit, kernel);
  {
    const auto group = limit.make_group();
    EXPECT_TRUE(folder_of(group).starts_with(kernel.own() + "/heapwise-"));
    EXPECT_EQ(kernel.read(folder_of(group) + "/memory.limit_in_bytes"), "268435456");
  }
  EXPECT_EQ(kernel.folders_count(), 1U);
  EXPECT_EQ(kernel.place(), kernel.own());
}

// Would catch: two runs, or two campaigns, that share a group and so their counters.
TEST(MemoryLimit, GroupsHaveNamesOfTheirOwn) {
  FakeCgroups kernel(CgroupVersion::kV1, kOwn);
  MemoryLimit limit(kLimit, kernel);
  const auto one = limit.make_group();
  const auto other = limit.make_group();
  EXPECT_NE(one.procs_file(), other.procs_file());
}

// Would catch: kills, hits or the peak read from another line or file, or 0 for what is not there.
TEST(MemoryLimit, TheCountersOfBothGenerationsAreRead) {
  FakeCgroups v1(CgroupVersion::kV1, kOwn);
  MemoryLimit first(kLimit, v1);
  const auto group = first.make_group();
  v1.set(folder_of(group) + "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  v1.set(folder_of(group) + "/memory.failcnt", "71\n");
  v1.set(folder_of(group) + "/memory.max_usage_in_bytes", "33554432\n");
  EXPECT_EQ(group.pressure().kills_count, 2U);
  EXPECT_EQ(group.pressure().limit_hits_count, 71U);
  EXPECT_EQ(group.pressure().peak, Bytes{33554432});

  FakeCgroups v2(CgroupVersion::kV2, kOwn);
  MemoryLimit second(kLimit, v2);
  const auto other = second.make_group();
  v2.set(folder_of(other) + "/memory.events", "low 0\nhigh 5\nmax 9\noom 2\noom_kill 1\n");
  v2.set(folder_of(other) + "/memory.peak", "4096\n");
  EXPECT_EQ(other.pressure().kills_count, 1U);
  EXPECT_EQ(other.pressure().limit_hits_count, 9U);
  EXPECT_EQ(other.pressure().peak, Bytes{4096});
  v2.forget(folder_of(other) + "/memory.peak");
  EXPECT_FALSE(other.pressure().peak.has_value());
}

// Would catch: a group without memory.max, or heapwise left in another group than it was found in.
TEST(MemoryLimit, OnV2HeapwiseMovesDownSoThatItsGroupMayHandTheControllerDown) {
  FakeCgroups kernel(CgroupVersion::kV2, kOwn);
  const auto control = kernel.own() + "/cgroup.subtree_control";
  {
    MemoryLimit limit(kLimit, kernel);
    const auto group = limit.make_group();
    EXPECT_EQ(kernel.read(folder_of(group) + "/memory.max"), "268435456");
    EXPECT_EQ(kernel.read(control), "memory\n");
    EXPECT_NE(kernel.place(), kernel.own());
    EXPECT_NE(kernel.place(), folder_of(group));
  }
  EXPECT_EQ(kernel.read(control), "");
  EXPECT_EQ(kernel.place(), kernel.own());
  EXPECT_EQ(kernel.folders_count(), 1U);
}

// Would catch: a needless move where the root of all groups may hand down with processes in it.
TEST(MemoryLimit, InTheRootOfV2NobodyHasToMove) {
  FakeCgroups kernel(CgroupVersion::kV2, "/", 100);
  MemoryLimit limit(kLimit, kernel);
  EXPECT_EQ(kernel.read(folder_of(limit.make_group()) + "/memory.max"), "268435456");
  EXPECT_EQ(kernel.place(), kernel.own());
}

// Would catch: a shell's group that is left half changed, and an error that leads nowhere.
TEST(MemoryLimit, OnV2AGroupWithOtherProcessesIsLeftAsItWas) {
  FakeCgroups kernel(CgroupVersion::kV2, kOwn, 1);
  const auto words = refusal(kernel);
  EXPECT_TRUE(holds(words, "a memory limit is not possible here: other processes are in"));
  EXPECT_TRUE(holds(words, "--scope -p Delegate=yes heapwise"));
  EXPECT_EQ(kernel.place(), kernel.own());
  EXPECT_EQ(kernel.folders_count(), 1U);
  EXPECT_EQ(kernel.read(kernel.own() + "/cgroup.subtree_control"), "");
}

// Would catch: a campaign that begins without a limit because nobody delegated the controller.
TEST(MemoryLimit, OnV2WithoutDelegationTheMissingControllerIsNamed) {
  FakeCgroups kernel(CgroupVersion::kV2, kOwn, 0, "cpu pids");
  const auto words = refusal(kernel);
  EXPECT_TRUE(holds(words, "was not given the memory controller"));
  EXPECT_TRUE(holds(words, "Delegate=yes"));
  EXPECT_EQ(kernel.folders_count(), 1U);
}

// Would catch: a refusal by the kernel that is found at the first run, or says not what to do.
TEST(MemoryLimit, WhatTheKernelRefusesIsAnErrorBeforeAnythingRuns) {
  FakeCgroups kernel(CgroupVersion::kV1, kOwn);
  kernel.refuses_folders = EACCES;
  EXPECT_TRUE(holds(refusal(kernel), "Permission denied; run as root"));
  kernel.refuses_folders = EROFS;
  EXPECT_TRUE(holds(refusal(kernel), "docker run --privileged"));
  kernel.refuses_folders = 0;
  kernel.refuses_limit = EINVAL;
  EXPECT_TRUE(holds(refusal(kernel), "memory.limit_in_bytes: Invalid argument"));
  EXPECT_EQ(kernel.folders_count(), 1U);

  FakeCgroups delegated(CgroupVersion::kV2, kOwn);
  delegated.refuses_limit = EINVAL;
  EXPECT_TRUE(holds(refusal(delegated), "memory.max: Invalid argument"));
  EXPECT_EQ(delegated.folders_count(), 1U);
  EXPECT_EQ(delegated.place(), delegated.own());
}

// Would catch: a machine without cgroups that measures all the same.
TEST(MemoryLimit, WithoutCgroupsThereIsNone) {
  FakeCgroups kernel(CgroupVersion::kV1, kOwn);
  kernel.set("/proc/self/cgroup", "");
  EXPECT_TRUE(holds(refusal(kernel), "this kernel has no memory cgroups"));
}

// Would catch: a group that stays because a killed process left it a moment too late.
TEST(MemoryLimit, WhatStillEndsInAGroupIsWaitedFor) {
  FakeCgroups kernel(CgroupVersion::kV1, kOwn);
  MemoryLimit limit(kLimit, kernel);
  {
    const auto group = limit.make_group();
    kernel.busy_removals = 3;
  }
  EXPECT_EQ(kernel.folders_count(), 1U);
}

// Would catch: paths that are put together wrongly, files made where the kernel has none.
TEST(MemoryLimit, TheRealFilesAreThoseBelowTheRoot) {
  const TemporaryFolder root;
  const auto own = root.file("sys/fs/cgroup/memory/a");
  std::filesystem::create_directories(own);
  std::filesystem::create_directories(root.file("proc/self"));
  std::ofstream(root.file("proc/self/cgroup")) << "4:memory:/a\n";
  std::ofstream(root.file("proc/self/mountinfo"))
      << "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
  SystemCgroupFiles files(root.path());
  EXPECT_TRUE(holds(refusal(files), "memory.limit_in_bytes: No such file or directory"));
  EXPECT_TRUE(std::filesystem::is_empty(own));
  EXPECT_EQ(files.read("/proc/self/cgroup"), "4:memory:/a\n");
  EXPECT_FALSE(files.read("/proc/self/nothing").has_value());
}

}  // namespace
}  // namespace heapwise

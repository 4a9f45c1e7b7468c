#include "bench/inspect/surroundings.h"

#include <gtest/gtest.h>

#include "tests/bench/run/fake_cgroups.h"

namespace heapwise {
namespace {

constexpr pid_t kProcess = 42;

FakeCgroups with_process(CgroupVersion version, const std::string& path) {
  FakeCgroups files(version, path);
  files.set("/proc/42/cgroup", *files.read("/proc/self/cgroup"));
  return files;
}

// Catches: the limit of the group of the one who asks.
TEST(Surroundings, TheGroupIsTheProcesss) {
  auto files = with_process(CgroupVersion::kV2, "/service");
  files.set("/proc/self/cgroup", "0::/elsewhere\n");
  files.set("/sys/fs/cgroup/service/memory.current", "1048576\n");
  files.set("/sys/fs/cgroup/service/memory.max", "2097152\n");
  const auto around = read_surroundings(files, kProcess);
  ASSERT_TRUE(around.cgroup);
  EXPECT_EQ(around.cgroup->folder, "/sys/fs/cgroup/service");
  EXPECT_EQ(around.cgroup->use, kMiB);
  EXPECT_EQ(around.cgroup->limit, Bytes{2 * kMiB.value});
}

// Catches: a limit further out that is overlooked, and the outer one where the inner leaves less.
TEST(Surroundings, TheGroupWithLeastRoomCounts) {
  auto files = with_process(CgroupVersion::kV2, "/slice/service");
  files.set("/sys/fs/cgroup/slice/service/memory.current", "100\n");
  files.set("/sys/fs/cgroup/slice/service/memory.max", "max\n");
  files.set("/sys/fs/cgroup/slice/memory.current", "900\n");
  files.set("/sys/fs/cgroup/slice/memory.max", "1000\n");
  EXPECT_EQ(read_surroundings(files, kProcess).cgroup->folder, "/sys/fs/cgroup/slice");
  files.set("/sys/fs/cgroup/slice/service/memory.max", "150\n");
  EXPECT_EQ(read_surroundings(files, kProcess).cgroup->folder, "/sys/fs/cgroup/slice/service");
}

// Catches: what v1 writes for "no limit" told as a limit of eight exabytes.
TEST(Surroundings, OnV1AHugeLimitIsNone) {
  auto files = with_process(CgroupVersion::kV1, "/service");
  files.set("/sys/fs/cgroup/service/memory.usage_in_bytes", "4096\n");
  auto around = read_surroundings(files, kProcess);
  ASSERT_TRUE(around.cgroup);
  EXPECT_EQ(around.cgroup->version, CgroupVersion::kV1);
  EXPECT_FALSE(around.cgroup->limit);
  files.set("/sys/fs/cgroup/service/memory.limit_in_bytes", "8192\n");
  around = read_surroundings(files, kProcess);
  EXPECT_EQ(around.cgroup->limit, Bytes{8192});
}

// Catches: the system's modes mixed up, or units of meminfo taken for bytes.
TEST(Surroundings, OfTheSystemModesAndMemory) {
  auto files = with_process(CgroupVersion::kV2, "/");
  files.set("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  files.set("/proc/sys/vm/overcommit_memory", "2\n");
  files.set("/proc/sys/vm/max_map_count", "65530\n");
  files.set("/proc/42/status", "THP_enabled:\t0\n");
  files.set("/proc/meminfo",
            "MemTotal: 1024 kB\nMemAvailable: 512 kB\nSwapTotal: 64 kB\nCommitLimit: 700 kB\n"
            "Committed_AS: 600 kB\n");
  const auto around = read_surroundings(files, kProcess);
  EXPECT_EQ(around.huge_pages, "always");
  EXPECT_FALSE(around.process_takes_huge_pages);
  EXPECT_EQ(around.overcommit, 2U);
  EXPECT_EQ(around.mappings_limit, 65530U);
  EXPECT_EQ(around.memory, kMiB);
  EXPECT_EQ(around.available, Bytes{512 * kKiB.value});
  EXPECT_EQ(around.swap, Bytes{64 * kKiB.value});
  EXPECT_EQ(around.committed, Bytes{600 * kKiB.value});
  EXPECT_EQ(around.commit_limit, Bytes{700 * kKiB.value});
}

// Catches: a crash where a container shows nothing of all that.
TEST(Surroundings, WhatCannotBeReadIsLeftOut) {
  const SystemCgroupFiles nothing("/nonexistent");
  const auto around = read_surroundings(nothing, kProcess);
  EXPECT_FALSE(around.cgroup);
  EXPECT_FALSE(around.overcommit);
  EXPECT_EQ(around.huge_pages, "");
  EXPECT_TRUE(around.process_takes_huge_pages);
}

}  // namespace
}  // namespace heapwise

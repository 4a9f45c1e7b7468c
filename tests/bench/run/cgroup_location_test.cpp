#include "bench/run/cgroup_location.h"

#include <gtest/gtest.h>

#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr const char* kV1Mount =
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";
constexpr const char* kV2Mount =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

std::string refusal(const std::string& cgroup, const std::string& mountinfo) {
  try {
    locate_memory_cgroup(cgroup, mountinfo);
  } catch (const RunError& error) {
    return error.what();
  }
  return "(located)";
}

// Would catch: another controller's hierarchy taken for the memory controller's.
TEST(CgroupLocation, OnV1ItIsTheHierarchyOfTheMemoryController) {
  const std::string mounts =
      "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" + std::string(kV1Mount);
  const auto found =
      locate_memory_cgroup("9:name=systemd:/\n4:memory:/user.slice/a:b\n1:cpu:/x\n0::/\n", mounts);
  EXPECT_EQ(found.version, CgroupVersion::kV1);
  EXPECT_EQ(found.folder, "/sys/fs/cgroup/memory/user.slice/a:b");
}

// Would catch: a limit written into the v2 tree of a machine whose memory controller is on v1.
TEST(CgroupLocation, WhereBothAreMountedTheOneWithTheControllerCounts) {
  const std::string both = std::string(kV2Mount) + kV1Mount;
  EXPECT_EQ(locate_memory_cgroup("0::/b\n4:memory:/a\n", both).folder, "/sys/fs/cgroup/memory/a");
  EXPECT_EQ(locate_memory_cgroup("1:cpu,cpuacct:/a\n0::/b\n", both).folder, "/sys/fs/cgroup/b");
}

// Would catch: a group of the session missed for the optional fields in the line of its mount.
TEST(CgroupLocation, OnV2ItIsTheOnlyHierarchy) {
  const auto found = locate_memory_cgroup("0::/user.slice/session-1.scope\n", kV2Mount);
  EXPECT_EQ(found.version, CgroupVersion::kV2);
  EXPECT_EQ(found.folder, "/sys/fs/cgroup/user.slice/session-1.scope");
  EXPECT_EQ(locate_memory_cgroup("0::/\n", kV2Mount).folder, "/sys/fs/cgroup");
}

// Would catch: a path inside a container that is looked for twice below its mount.
TEST(CgroupLocation, WhatIsMountedOfAHierarchyIsLeftOutOfThePath) {
  const std::string inside =
      "40 31 0:32 /docker/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
  EXPECT_EQ(locate_memory_cgroup("4:memory:/docker/c1\n", inside).folder, "/sys/fs/cgroup/memory");
  EXPECT_EQ(locate_memory_cgroup("4:memory:/docker/c1/x\n", inside).folder,
            "/sys/fs/cgroup/memory/x");
  EXPECT_NE(refusal("4:memory:/docker/c12\n", inside).find("/docker/c12"), std::string::npos);
}

// Would catch: a mount point with a blank in it that is not found.
TEST(CgroupLocation, BlanksInMountPointsAreEscaped) {
  const std::string mount = R"(35 31 0:32 / /mnt/my\040groups rw - cgroup2 none rw)";
  EXPECT_EQ(locate_memory_cgroup("0::/a\n", mount).folder, "/mnt/my groups/a");
}

// Would catch: a crash, or a limit somewhere else, where there is nothing to be had.
TEST(CgroupLocation, WhatIsMissingIsSaid) {
  EXPECT_NE(refusal("", "").find("no memory cgroups"), std::string::npos);
  EXPECT_NE(refusal("1:cpu:/\n", kV1Mount).find("no memory cgroups"), std::string::npos);
  EXPECT_NE(refusal("4:memory:/a\n", kV2Mount).find("not to be seen"), std::string::npos);
  EXPECT_NE(refusal("0::/../x\n", kV2Mount).find("not to be seen"), std::string::npos);
  EXPECT_EQ(refusal("0::/a\n", "garbage\n- -\n\n").rfind("a memory limit is not possible here", 0),
            0U);
}

}  // namespace
}  // namespace heapwise

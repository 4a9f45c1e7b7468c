// Which memory cgroup this process is in, and where its files lie. Both generations of cgroups:
//
//     /proc/self/cgroup      4:memory:/user.slice      v1: a hierarchy for each controller
//                            0::/user.slice            v2: one for all of them
//     /proc/self/mountinfo   … ROOT MOUNT … - cgroup|cgroup2 …
//
//     files of the group     MOUNT + what of its path lies below ROOT
#pragma once

#include <string>

namespace heapwise {

enum class CgroupVersion { kV1, kV2 };

struct CgroupLocation {
  CgroupVersion version;
  std::string folder;  // absolute
};

/// From the texts of the two files. Where both generations are mounted it is the one that has the
/// memory controller. Throws RunError where there is none, or it cannot be seen from here.
CgroupLocation locate_memory_cgroup(const std::string& cgroup, const std::string& mountinfo);

/// Why there can be no memory limit, as a message: what is missing, and what to do.
std::string no_memory_limit(const std::string& missing, const std::string& remedy);

}  // namespace heapwise

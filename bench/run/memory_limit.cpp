#include "bench/run/memory_limit.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr const char* kThisProcess = "0";  // of cgroup.procs: the process that writes

bool has_word(const std::optional<std::string>& text, const std::string& wanted) {
  std::istringstream stream(text.value_or(""));
  for (std::string word; stream >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

/// How to get a group whose controllers heapwise may hand down.
std::string delegation_remedy() {
  return fmt::format(
      "start it in a group of its own: systemd-run {}--scope -p Delegate=yes "
      "heapwise ..., or as the only process of a container that may write cgroups",
      geteuid() == 0 ? "" : "--user ");
}

CgroupLocation own_cgroup(const CgroupFiles& files) {
  return locate_memory_cgroup(files.read("/proc/self/cgroup").value_or(""),
                              files.read("/proc/self/mountinfo").value_or(""));
}

}  // namespace

CgroupFiles& system_cgroup_files() {
  static SystemCgroupFiles files;
  return files;
}

MemoryLimit::MemoryLimit(Bytes limit, CgroupFiles& files)
    : limit_(limit), files_(files), own_(own_cgroup(files)) {
  if (own_.version == CgroupVersion::kV2) hand_controller_down();
  make_group();  // what cannot be done is told before anything runs
}

void MemoryLimit::hand_controller_down() {
  if (!has_word(files_.read(own_.folder + "/cgroup.controllers"), "memory")) {
    throw RunError(no_memory_limit(
        "the cgroup " + own_.folder + " was not given the memory controller", delegation_remedy()));
  }
  const auto file = own_.folder + "/cgroup.subtree_control";
  if (has_word(files_.read(file), "memory")) return;
  int error = files_.write(file, "+memory");
  if (error == EBUSY) {
    moved_.emplace(files_, own_.folder);
    error = files_.write(file, "+memory");
  }
  if (error == EBUSY) {
    throw RunError(no_memory_limit("other processes are in the cgroup " + own_.folder +
                                       " too, and only one without processes hands its memory "
                                       "controller down",
                                   delegation_remedy()));
  }
  if (error != 0) {
    throw RunError(
        no_memory_limit(fmt::format("cannot write +memory into {}: {}", file, std::strerror(error)),
                        delegation_remedy()));
  }
  controller_.emplace(files_, file);
}

MemoryLimit::MovedDown::MovedDown(CgroupFiles& files, const std::string& own)
    : files_(files), own_(own), folder_(files, own) {
  const int error = files_.write(folder_.file("cgroup.procs"), kThisProcess);
  if (error == 0) return;
  throw RunError(no_memory_limit(
      fmt::format("cannot move heapwise into a group below {}: {}", own, std::strerror(error)),
      delegation_remedy()));
}

MemoryLimit::MovedDown::~MovedDown() {
  files_.write(own_ + "/cgroup.procs", kThisProcess);
}

}  // namespace heapwise

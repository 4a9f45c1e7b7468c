#include "bench/run/cgroup_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "bench/run/cgroup_location.h"
#include "bench/run/file_descriptor.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr unsigned kMostNames = 10'000;
// A process that was killed leaves its group a moment after it can be waited for.
constexpr unsigned kMostNaps = 400;
constexpr useconds_t kNap = 5'000;

/// What lets a process make cgroups that cannot now.
std::string permission_remedy(int error) {
  if (error == EROFS) {
    return "cgroups cannot be written here, as in most containers: run outside of it, or let it "
           "write them (docker run --privileged)";
  }
  return "run as root, or on cgroup v2 in a group that is delegated to you: systemd-run --user "
         "--scope -p Delegate=yes heapwise ...";
}

}  // namespace

std::optional<std::string> SystemCgroupFiles::read(const std::string& path) const {
  std::ifstream file(root_ + path);
  if (!file) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return std::nullopt;
  return text;
}

int SystemCgroupFiles::write(const std::string& path, const std::string& text) {
  const FileDescriptor file(open((root_ + path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return errno;
  return ::write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

int SystemCgroupFiles::make_folder(const std::string& path) {
  return mkdir((root_ + path).c_str(), kFolderMode) == 0 ? 0 : errno;
}

int SystemCgroupFiles::remove_folder(const std::string& path) {
  return rmdir((root_ + path).c_str()) == 0 ? 0 : errno;
}

CgroupFolder::CgroupFolder(CgroupFiles& files, const std::string& parent) : files_(files) {
  int error = EEXIST;
  for (unsigned number = 0; error == EEXIST && number < kMostNames; ++number) {
    path_ = fmt::format("{}/heapwise-{}-{}", parent, getpid(), number);
    error = files_.make_folder(path_);
  }
  if (error == 0) return;
  throw RunError(
      no_memory_limit(fmt::format("cannot make a cgroup in {}: {}", parent, std::strerror(error)),
                      permission_remedy(error)));
}

CgroupFolder::~CgroupFolder() {
  for (unsigned nap = 0; files_.remove_folder(path_) == EBUSY && nap < kMostNaps; ++nap) {
    usleep(kNap);
  }
}

}  // namespace heapwise

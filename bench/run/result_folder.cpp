#include "bench/run/result_folder.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "bench/run/document.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";

/// Takes the lock for the life of the descriptor; it names its holder for whoever comes second.
FileDescriptor take_lock(const std::string& folder) {
  const auto path = folder + "/.lock";
  FileDescriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.is_open()) {
    throw RunError(fmt::format("cannot write in the folder '{}': {}; choose another with --out",
                               folder, std::strerror(errno)));
  }
  std::array<char, 32> holder{};
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    const auto length = pread(lock.get(), holder.data(), holder.size() - 1, 0);
    throw RunError(
        fmt::format("another heapwise (process {}) is writing to '{}'; wait for it or "
                    "choose another folder with --out",
                    length > 0 ? holder.data() : "unknown", folder));
  }
  const auto text = std::to_string(getpid());
  const bool noted =
      ftruncate(lock.get(), 0) == 0 && pwrite(lock.get(), text.data(), text.size(), 0) > 0;
  if (!noted) {
    throw RunError(
        fmt::format("cannot write in the folder '{}': {}; free some space or choose "
                    "another with --out",
                    folder, std::strerror(errno)));
  }
  return lock;
}

}  // namespace

ResultFolder::ResultFolder(std::string path) : path_(std::move(path)), lock_(take_lock(path_)) {}

ResultFolder ResultFolder::create(const std::string& path) {
  std::error_code error;
  const auto absolute = fs::absolute(path).lexically_normal();
  fs::create_directories(absolute, error);
  if (error || !fs::is_directory(absolute)) {
    throw RunError(fmt::format("cannot make the folder '{}': {}; choose another with --out", path,
                               error ? error.message() : "it is a file"));
  }
  ResultFolder folder(absolute.string());
  if (fs::exists(absolute / kManifest)) {
    throw RunError(
        fmt::format("'{}' holds a campaign already; go on with it by --resume '{}' or "
                    "choose another folder with --out",
                    path, path));
  }
  return folder;
}

ResultFolder ResultFolder::resume(const std::string& path) {
  const auto absolute = fs::absolute(path).lexically_normal();
  if (!fs::exists(absolute / kManifest)) {
    throw RunError(
        fmt::format("there is no campaign in '{}' (no {}); name the folder that an "
                    "earlier `heapwise bench` printed",
                    path, kManifest));
  }
  return ResultFolder(absolute.string());
}

void ResultFolder::write_manifest(const Json& manifest) const {
  write_document(path_, kManifest, manifest);
}

Json ResultFolder::read_manifest() const {
  std::ifstream stream(file(kManifest));
  auto json = Json::parse(stream, nullptr, false);
  if (!json.is_object()) {
    throw RunError(
        fmt::format("'{}' is damaged: it is not JSON; start a new campaign", file(kManifest)));
  }
  return json;
}

std::string default_result_folder(const std::string& kind, const std::string& profile) {
  const auto now = fmt::gmtime(std::time(nullptr));
  return fmt::format("results/{:%Y%m%dT%H%M%SZ}-{}{}{}", now, kind, profile.empty() ? "" : "-",
                     profile);
}

}  // namespace heapwise

#include "bench/program/run_place.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

#include "bench/run/file_descriptor.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kLook = 0755;
constexpr mode_t kWrite = 0777;
constexpr int kFirstPort = 20000;
constexpr int kLastPort = 32000;  // Linux gives clients 32768 and above
constexpr int kMostTries = 1000;

bool is_free(std::uint16_t port) {
  const FileDescriptor socket_of_ours(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(socket_of_ours.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
         0;
}

std::string_view name_of(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

}  // namespace

ScratchFolder::ScratchFolder(Access access) {
  std::error_code error;
  const auto parent = fs::temp_directory_path(error);
  auto name = (error ? fs::path("/tmp") : parent) / "heapwise-XXXXXX";
  auto text = name.string();
  const auto mode = access == Access::kOthersMayLook ? kLook : kWrite;
  if (mkdtemp(text.data()) == nullptr || chmod(text.c_str(), mode) != 0) {
    throw RunError("cannot make a folder '" + text + "' for a run: " + std::strerror(errno) +
                   "; set TMPDIR to a folder that can be written");
  }
  path_ = text;
}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

std::uint16_t find_free_port() {
  static std::minstd_rand random{std::random_device()()};
  std::uniform_int_distribution<int> ports(kFirstPort, kLastPort);
  for (int i = 0; i < kMostTries; ++i) {
    const auto port = static_cast<std::uint16_t>(ports(random));
    if (is_free(port)) return port;
  }
  throw RunError("cannot find a free TCP port between 20000 and 32000 on the loopback interface");
}

std::vector<std::string> variables_of(const RunPlace& place) {
  return {"HEAPWISE_RUN_DIR=" + place.run_folder, "HEAPWISE_SETUP_DIR=" + place.setup_folder,
          "HEAPWISE_APP_DIR=" + place.app_folder, "HEAPWISE_PORT=" + std::to_string(place.port)};
}

std::vector<std::string> with_entries(const std::vector<std::string>& environment,
                                      const std::vector<std::string>& entries) {
  std::vector<std::string> out;
  for (const auto& entry : environment) {
    const auto replaced = std::ranges::any_of(
        entries, [&](const auto& ours) { return name_of(ours) == name_of(entry); });
    if (!replaced) out.push_back(entry);
  }
  out.insert(out.end(), entries.begin(), entries.end());
  return out;
}

std::vector<std::string> machine_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

}  // namespace heapwise

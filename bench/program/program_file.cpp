#include "bench/program/program_file.h"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace heapwise {
namespace {

bool is_executable_file(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

/// The interpreter of a `#!` line, or nothing.
std::optional<std::string> script_interpreter(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || line.rfind("#!", 0) != 0) return std::nullopt;
  std::istringstream words(line.substr(2));
  std::string interpreter;
  words >> interpreter;
  return interpreter;
}

bool is_privileged(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return false;
  const bool other_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid();
  const bool other_group = (status.st_mode & S_ISGID) != 0 && status.st_gid != getegid();
  return other_user || other_group;
}

/// A 64-bit ELF program without a PT_INTERP header is not given to the dynamic linker.
bool is_static(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header{};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return false;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return false;
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment)) return false;
    if (segment.p_type == PT_INTERP) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> find_program(const std::string& command) {
  if (command.find('/') != std::string::npos) {
    return is_executable_file(command) ? std::optional(command) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto candidate = (folder.empty() ? "." : folder) + "/" + command;
    if (is_executable_file(candidate)) return candidate;
  }
  return std::nullopt;
}

std::string why_not_preloadable(const std::string& program) {
  constexpr int kDeepest = 4;  // scripts of scripts, as the kernel allows
  auto path = program;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const auto interpreter = script_interpreter(path);
    if (!interpreter) break;
    path = *interpreter;
  }
  if (is_static(path)) return path + " is linked statically, so nothing can be preloaded into it";
  if (is_privileged(path)) {
    return path + " is set-uid or set-gid, so the system ignores preloaded libraries";
  }
  return {};
}

}  // namespace heapwise

#include "bench/program/listening.h"

#include <fmt/format.h>

#include <filesystem>
#include <initializer_list>
#include <sstream>
#include <string>
#include <unordered_set>

#include "bench/program/proc_file.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;
using Inodes = std::unordered_set<std::string>;

/// A line's words by their place in the tables under /proc/net (proc(5)).
struct SocketTable {
  const char* path;
  std::size_t state_column;
  const char* listening;  // what stands there of a socket that listens
  std::size_t inode_column;
};

constexpr SocketTable kTables[]{
    {"/proc/net/tcp", 3, "0A", 9},
    {"/proc/net/tcp6", 3, "0A", 9},
    {"/proc/net/unix", 3, "00010000", 6},
};

Inodes listening_sockets() {
  Inodes inodes;
  for (const auto& table : kTables) {
    std::istringstream lines(read_proc_file(table.path));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream stream(line);
      std::vector<std::string> words;
      for (std::string word; stream >> word;) words.push_back(std::move(word));
      if (words.size() <= table.inode_column) continue;
      if (words[table.state_column] == table.listening) inodes.insert(words[table.inode_column]);
    }
  }
  return inodes;
}

bool holds_one(pid_t process, const Inodes& inodes) {
  std::error_code error;
  fs::directory_iterator entry(fmt::format("/proc/{}/fd", process), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const auto target = fs::read_symlink(entry->path(), gone).string();
    constexpr std::string_view kSocket = "socket:[";
    if (gone || target.rfind(kSocket, 0) != 0) continue;
    if (inodes.contains(target.substr(kSocket.size(), target.size() - kSocket.size() - 1))) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool any_listens(const std::vector<pid_t>& processes) {
  const auto inodes = listening_sockets();
  if (inodes.empty()) return false;
  for (const auto process : processes) {
    if (holds_one(process, inodes)) return true;
  }
  return false;
}

}  // namespace heapwise

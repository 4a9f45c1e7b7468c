#include "bench/program/process_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <unordered_map>

#include "bench/program/proc_file.h"

namespace heapwise {
namespace {

std::vector<pid_t> all_processes() {
  std::vector<pid_t> processes;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    pid_t process = 0;
    const auto [rest, wrong] = std::from_chars(name.data(), name.data() + name.size(), process);
    if (wrong == std::errc() && rest == name.data() + name.size()) processes.push_back(process);
  }
  return processes;
}

}  // namespace

std::vector<pid_t> ProcessTree::look() {
  std::unordered_map<pid_t, ProcessStat> seen;
  std::unordered_set<pid_t> strangers;
  for (const auto process : all_processes()) {
    if (strangers_.contains(process)) {
      strangers.insert(process);
    } else if (const auto stat = read_process_stat(process)) {
      seen.emplace(process, *stat);
    }
  }
  std::vector<pid_t> members;
  for (const auto& [process, stat] : seen) {
    auto ancestor = process;
    while (ancestor != root_) {
      const auto found = seen.find(ancestor);
      if (found == seen.end()) break;
      ancestor = found->second.parent;
    }
    if (ancestor != root_) {
      strangers.insert(process);
    } else if (process != root_ && stat.state != 'Z' && stat.state != 'X') {
      members.push_back(process);
    }
  }
  strangers_ = std::move(strangers);
  return members;
}

ProcessMemory read_memory(pid_t process) {
  const auto text = read_proc_file(fmt::format("/proc/{}/statm", process));
  std::uint64_t size_pages = 0;
  std::uint64_t resident_pages = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, size_pages);
  if (error != std::errc() || rest == end) return {};
  std::from_chars(rest + 1, end, resident_pages);
  static const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return {.rss = {resident_pages * page_bytes}, .vsz = {size_pages * page_bytes}};
}

Bytes read_pss(pid_t process) {
  const auto text = read_proc_file(fmt::format("/proc/{}/smaps_rollup", process));
  constexpr std::string_view kKey = "\nPss:";
  const auto at = text.find(kKey);
  if (at == std::string::npos) return {};
  const auto begins = text.find_first_not_of(' ', at + kKey.size());
  if (begins == std::string::npos) return {};
  std::uint64_t kilobytes = 0;
  std::from_chars(text.data() + begins, text.data() + text.size(), kilobytes);
  return {kilobytes * kKiB.value};
}

std::string executable_of(pid_t process) {
  std::array<char, 4096> path{};
  const auto length =
      readlink(fmt::format("/proc/{}/exe", process).c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string();
}

}  // namespace heapwise

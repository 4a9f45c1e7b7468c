#include "bench/program/proc_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "bench/run/file_descriptor.h"

namespace heapwise {

std::string read_proc_file(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  while (file.is_open() && (count = read(file.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

std::optional<ProcessStat> parse_process_stat(const std::string& text) {
  // The name stands in parentheses and may hold anything, parentheses included.
  const auto name_begins = text.find('(') + 1;
  const auto name_ends = text.rfind(')');
  if (name_begins == 0 || name_ends == std::string::npos) return std::nullopt;
  ProcessStat stat{.name = text.substr(name_begins, name_ends - name_begins)};
  constexpr int kFields = 13;
  const int read = std::sscanf(
      text.c_str() + name_ends + 1,
      " %c %d %*d %*d %*d %*d %lu %lu %lu %lu %lu %lu %lu %lu %lu %*d %*d %lu %*d %lu", &stat.state,
      &stat.parent, &stat.flags, &stat.minor_faults_count, &stat.children_minor_faults_count,
      &stat.major_faults_count, &stat.children_major_faults_count, &stat.user_ticks,
      &stat.system_ticks, &stat.children_user_ticks, &stat.children_system_ticks,
      &stat.threads_count, &stat.started_ticks);
  if (read != kFields) return std::nullopt;
  return stat;
}

std::optional<ProcessStat> read_process_stat(pid_t process) {
  return parse_process_stat(read_proc_file(fmt::format("/proc/{}/stat", process)));
}

}  // namespace heapwise

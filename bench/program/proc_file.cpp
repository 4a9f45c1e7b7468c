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

std::optional<ProcessStat> read_process_stat(pid_t process) {
  const auto text = read_proc_file(fmt::format("/proc/{}/stat", process));
  // The name stands in parentheses and may hold anything, parentheses included.
  const auto name_ends = text.rfind(')');
  if (name_ends == std::string::npos) return std::nullopt;
  ProcessStat stat;
  constexpr int kFields = 10;
  const int read = std::sscanf(
      text.c_str() + name_ends + 1, " %c %d %*d %*d %*d %*d %*u %lu %lu %lu %lu %lu %lu %lu %lu",
      &stat.state, &stat.parent, &stat.minor_faults_count, &stat.children_minor_faults_count,
      &stat.major_faults_count, &stat.children_major_faults_count, &stat.user_ticks,
      &stat.system_ticks, &stat.children_user_ticks, &stat.children_system_ticks);
  if (read != kFields) return std::nullopt;
  return stat;
}

}  // namespace heapwise

#include "bench/program/memory_mappings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "bench/core/units.h"
#include "bench/run/file_descriptor.h"

namespace heapwise {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kFieldsBeforeName = 5;  // addresses, permissions, offset, device, inode
constexpr std::size_t kPermissionsLength = 4;

std::string read_whole(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file.is_open()) return text;
  std::array<char, kReadBytes> piece;
  ssize_t length = 0;
  while ((length = read(file.get(), piece.data(), piece.size())) > 0) {
    text.append(piece.data(), static_cast<std::size_t>(length));
  }
  return text;
}

/// What follows the first `count` fields of a line, which any number of blanks may part.
std::string_view after_fields(std::string_view line, std::size_t count) {
  for (; count > 0; --count) {
    line.remove_prefix(std::min(line.find(' '), line.size()));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  }
  return line;
}

/// A line such as "7f61dc000000-7f61dc021000 rw-p 00000000 00:00 0    [heap]".
std::optional<MemoryMapping> parse_mapping(std::string_view line) {
  MemoryMapping mapping;
  const char* end = line.data() + line.size();
  const auto begins = std::from_chars(line.data(), end, mapping.begins, 16);
  if (begins.ec != std::errc() || begins.ptr == end || *begins.ptr != '-') return std::nullopt;
  const auto ends = std::from_chars(begins.ptr + 1, end, mapping.ends, 16);
  if (ends.ec != std::errc() || ends.ptr == end || *ends.ptr != ' ') return std::nullopt;
  mapping.permissions = after_fields(line, 1).substr(0, kPermissionsLength);
  mapping.name = after_fields(line, kFieldsBeforeName);
  return mapping;
}

/// Of a line such as "Rss:                 132 kB".
std::uint64_t bytes_of(std::string_view line) {
  const auto number = after_fields(line, 1);
  std::uint64_t kilobytes = 0;
  std::from_chars(number.data(), number.data() + number.size(), kilobytes);
  return kilobytes * kKiB.value;
}

void take_figure(std::string_view line, MemoryMapping& mapping) {
  if (line.starts_with("Rss:")) {
    mapping.memory.resident = bytes_of(line);
  } else if (line.starts_with("Pss:")) {
    mapping.memory.proportional = bytes_of(line);
  } else if (line.starts_with("Swap:")) {
    mapping.swapped_bytes = bytes_of(line);
  } else if (line.starts_with("AnonHugePages:")) {
    mapping.transparent_huge_bytes = bytes_of(line);
  } else if (line.starts_with("Private_Hugetlb:") || line.starts_with("Shared_Hugetlb:")) {
    mapping.hugetlb_bytes += bytes_of(line);
  }
}

}  // namespace

std::vector<MemoryMapping> parse_memory_mappings(std::string_view smaps) {
  std::vector<MemoryMapping> mappings;
  while (!smaps.empty()) {
    const auto line = smaps.substr(0, smaps.find('\n'));
    smaps.remove_prefix(std::min(line.size() + 1, smaps.size()));
    if (auto mapping = parse_mapping(line)) {
      mappings.push_back(std::move(*mapping));
    } else if (!mappings.empty()) {
      take_figure(line, mappings.back());
    }
  }
  return mappings;
}

std::vector<MemoryMapping> read_memory_mappings(pid_t process) {
  return parse_memory_mappings(read_whole(fmt::format("/proc/{}/smaps", process)));
}

}  // namespace heapwise

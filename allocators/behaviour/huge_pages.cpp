#include "allocators/behaviour/huge_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace heapwise {
namespace {

/// Reads a whole /proc or /sys file into `buffer`; what does not fit is cut off.
std::string_view read_file(const char* path, char* buffer, std::size_t capacity) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::size_t length = 0;
  while (length < capacity) {
    const auto got = read(file, buffer + length, capacity - length);
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  close(file);
  return {buffer, length};
}

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// "55d0-55e0 rw-p …": whether it is the head of the mapping around `address`.
bool heads_mapping_of(std::string_view line, std::uintptr_t address) {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  const auto* last = line.data() + line.size();
  const auto dash = std::from_chars(line.data(), last, begin, 16);
  if (dash.ec != std::errc{} || dash.ptr == last || *dash.ptr != '-') return false;
  if (std::from_chars(dash.ptr + 1, last, end, 16).ec != std::errc{}) return false;
  return begin <= address && address < end;
}

MappingFlags find_flags(std::string_view smaps, std::uintptr_t address) {
  MappingFlags flags;
  while (!smaps.empty()) {
    const auto line = next_line(smaps);
    if (!flags.found) {
      flags.found = heads_mapping_of(line, address);
    } else if (line.starts_with("VmFlags:")) {
      flags.advised = line.find(" hg") != std::string_view::npos;
      flags.hugetlb = line.find(" ht") != std::string_view::npos;
      return flags;
    }
  }
  return {};
}

}  // namespace

HugePageMode transparent_huge_pages() {
  std::array<char, 128> buffer{};
  const auto text =
      read_file("/sys/kernel/mm/transparent_hugepage/enabled", buffer.data(), buffer.size());
  if (text.find("[always]") != std::string_view::npos) return HugePageMode::kAlways;
  if (text.find("[madvise]") != std::string_view::npos) return HugePageMode::kMadvise;
  if (text.find("[never]") != std::string_view::npos) return HugePageMode::kNever;
  return HugePageMode::kUnknown;
}

std::uint64_t transparent_huge_page_bytes() {
  std::array<char, 64> buffer{};
  const auto text =
      read_file("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", buffer.data(), buffer.size());
  std::uint64_t bytes = 0;
  std::from_chars(text.data(), text.data() + text.size(), bytes);
  return bytes;
}

MappingFlags mapping_flags(const void* address) {
  constexpr std::size_t kCapacity = std::size_t{16} << 20;
  void* buffer = mmap(nullptr, kCapacity, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (buffer == MAP_FAILED) return {};
  const auto smaps = read_file("/proc/self/smaps", static_cast<char*>(buffer), kCapacity);
  const auto flags = find_flags(smaps, reinterpret_cast<std::uintptr_t>(address));
  munmap(buffer, kCapacity);
  return flags;
}

}  // namespace heapwise

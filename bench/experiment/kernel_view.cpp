#include "bench/experiment/kernel_view.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace heapwise {
namespace {

/// Of an entry of pagemap: whether the page is resident, and the bits that are its frame's number.
constexpr std::uint64_t kIsPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kFrameBits = (std::uint64_t{1} << 55) - 1;

/// The upper half of the address space is the kernel's on all 64-bit machines that Linux runs on.
constexpr std::uintptr_t kKernelHalf = std::uintptr_t{1} << 63;

/// What the file begins with, ended by a 0, in storage that the next call overwrites.
const char* beginning_of(const char* path) {
  static char text[64 << 10];
  std::size_t length = 0;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  while (file >= 0 && length < sizeof text - 1) {
    const ssize_t count = read(file, text + length, sizeof text - 1 - length);
    if (count <= 0) break;
    length += static_cast<std::size_t>(count);
  }
  if (file >= 0) close(file);
  text[length] = '\0';
  return text;
}

const char* next_line(const char* line) {
  const char* const end = strchr(line, '\n');
  return end != nullptr ? end + 1 : line + strlen(line);
}

}  // namespace

std::uint64_t frame_of(const void* address) {
  const auto page_bytes = static_cast<std::uintptr_t>(getpagesize());
  std::uint64_t entry = 0;
  const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const auto at = reinterpret_cast<std::uintptr_t>(address) / page_bytes * sizeof entry;
  const ssize_t count = pread(file, &entry, sizeof entry, static_cast<off_t>(at));
  close(file);
  if (count != sizeof entry || (entry & kIsPresent) == 0) return 0;
  return entry & kFrameBits;
}

std::uintptr_t kernel_symbol_address() {
  for (const char* line = beginning_of("/proc/kallsyms"); *line != '\0'; line = next_line(line)) {
    const std::uintptr_t address = strtoull(line, nullptr, 16);
    if (address >= kKernelHalf) return address;
  }
  return 0;
}

const char* behind_key(const char* path, const char* key) {
  const std::size_t length = strlen(key);
  for (const char* line = beginning_of(path); *line != '\0'; line = next_line(line)) {
    if (strncmp(line, key, length) == 0) return line + length;
  }
  return nullptr;
}

}  // namespace heapwise

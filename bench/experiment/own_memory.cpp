#include "bench/experiment/own_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace heapwise {
namespace {

constexpr std::int64_t kKib = 1024;

/// The beginning of a file of this process, as far as there is room; ended by a 0.
std::size_t read_file(const char* path, char* text, std::size_t capacity) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  std::size_t length = 0;
  while (file >= 0 && length + 1 < capacity) {
    const ssize_t count = read(file, text + length, capacity - 1 - length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    length += static_cast<std::size_t>(count);
  }
  if (file >= 0) close(file);
  text[length] = '\0';
  return length;
}

/// In bytes, of a line such as "Rss:   100 kB"; -1 where there is none.
std::int64_t kib_field(const char* text, const char* name) {
  const char* const found = strstr(text, name);
  return found == nullptr ? -1 : strtoll(found + strlen(name), nullptr, 10) * kKib;
}

/// The field of /proc/self/statm at `place`, in bytes.
std::int64_t statm_field(int place) {
  char text[128];
  read_file("/proc/self/statm", text, sizeof text);
  char* rest = text;
  std::int64_t pages = 0;
  for (int i = 0; i <= place; ++i) pages = strtoll(rest, &rest, 10);
  return pages * getpagesize();
}

}  // namespace

Residence read_residence() {
  char text[4096];
  read_file("/proc/self/smaps_rollup", text, sizeof text);
  const std::int64_t rss = kib_field(text, "\nRss:");
  if (rss < 0) return {.rss_bytes = statm_field(1)};
  const std::int64_t lazily_freed = kib_field(text, "\nLazyFree:");
  return {.rss_bytes = rss, .lazily_freed_bytes = lazily_freed < 0 ? 0 : lazily_freed};
}

std::int64_t read_vsz_bytes() {
  return statm_field(0);
}

bool is_mapped(const void* address) {
  const auto page_bytes = static_cast<std::uintptr_t>(getpagesize());
  const auto page = reinterpret_cast<std::uintptr_t>(address) & ~(page_bytes - 1);
  unsigned char resident = 0;
  return mincore(reinterpret_cast<void*>(page), page_bytes, &resident) == 0 || errno != ENOMEM;
}

std::int64_t count_resident_pages(const void* object, std::size_t size_bytes) {
  const auto page_bytes = static_cast<std::uintptr_t>(getpagesize());
  const auto begin =
      (reinterpret_cast<std::uintptr_t>(object) + page_bytes - 1) & ~(page_bytes - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(object) + size_bytes) & ~(page_bytes - 1);
  std::int64_t count = 0;
  for (std::uintptr_t page = begin; page < end; page += page_bytes) {
    unsigned char resident = 0;
    if (mincore(reinterpret_cast<void*>(page), page_bytes, &resident) == 0) count += resident & 1;
  }
  return count;
}

}  // namespace heapwise

#include "bench/experiment/mappings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace heapwise {
namespace {

/// Of "BEGIN-END RIGHTS OFFSET DEVICE INODE NAME": where the words behind the first `count` begin.
const char* skip_words(const char* at, int count) {
  for (int i = 0; i < count; ++i) {
    at += strcspn(at, " ");
    at += strspn(at, " ");
  }
  return at;
}

Mapping to_mapping(const char* line) {
  Mapping mapping;
  char* end = nullptr;
  mapping.begin = strtoull(line, &end, 16);
  mapping.end = strtoull(end + 1, nullptr, 16);
  snprintf(mapping.rights, sizeof mapping.rights, "%.4s", skip_words(line, 1));
  snprintf(mapping.name, sizeof mapping.name, "%.255s", skip_words(line, 5));
  return mapping;
}

}  // namespace

Mappings::Mappings(pid_t process) {
  char path[64] = "/proc/self/maps";
  if (process != 0) snprintf(path, sizeof path, "/proc/%d/maps", process);
  file_ = open(path, O_RDONLY | O_CLOEXEC);
}

Mappings::~Mappings() {
  if (file_ >= 0) close(file_);
}

bool Mappings::next_line(char* line, std::size_t capacity) {
  std::size_t length = 0;
  for (;;) {
    if (at_ == filled_) {
      const ssize_t count = read(file_, buffer_, sizeof buffer_);
      if (count <= 0) return false;  // each line ends with a newline, so nothing is lost
      at_ = 0;
      filled_ = static_cast<std::size_t>(count);
    }
    const char next = buffer_[at_++];
    if (next == '\n') break;
    if (length + 1 < capacity) line[length++] = next;
  }
  line[length] = '\0';
  return true;
}

bool Mappings::next(Mapping& mapping) {
  char line[Mapping::kLongestName + 128];
  if (file_ < 0 || !next_line(line, sizeof line)) return false;
  mapping = to_mapping(line);
  return true;
}

Mapping mapping_of(const void* address) {
  Mappings mappings;
  Mapping mapping;
  while (mappings.next(mapping)) {
    if (mapping.holds(address)) return mapping;
  }
  return {};
}

}  // namespace heapwise

// Started with librefmalloc.so in front: sets what the allocator says of itself against what the
// kernel and the caller see.
//
//   statistics_program maps   exits 0 when mapped_bytes grows exactly as the anonymous mappings do
//   statistics_program info   malloc_info on stdout, after some work
//   statistics_program stats  exits 0 when malloc_stats changes nothing of what it prints
//
// Nothing else in this process maps or unmaps memory meanwhile: it has one thread, the text of maps
// is read into a fixed buffer, and the stack has a name of its own there.

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "allocators/reference/refmalloc.h"

namespace {

decltype(&refmalloc_stats) read_statistics = nullptr;

refmalloc_statistics statistics() {
  refmalloc_statistics now{};
  read_statistics(&now);
  return now;
}

char maps[1 << 20];

bool read_maps() {
  const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  std::size_t length = 0;
  ssize_t part = 0;
  while ((part = read(file, maps + length, sizeof maps - 1 - length)) > 0) {
    length += static_cast<std::size_t>(part);
  }
  close(file);
  maps[length] = '\0';
  return length > 0 && length < sizeof maps - 1;
}

// Of lines "begin-end rwxp offset device inode name": all without a file and without a name.
std::uint64_t anonymous_bytes() {
  std::uint64_t sum = 0;
  if (!read_maps()) return 0;
  for (const char* line = maps; *line != '\0'; line = std::strchr(line, '\n') + 1) {
    unsigned long begin = 0;
    unsigned long end = 0;
    unsigned long inode = 0;
    int name_at = 0;
    std::sscanf(line, "%lx-%lx %*s %*s %*s %lu%n", &begin, &end, &inode, &name_at);
    const std::size_t blanks = std::strspn(line + name_at, " ");
    if (inode == 0 && line[static_cast<std::size_t>(name_at) + blanks] == '\n') sum += end - begin;
  }
  return sum;
}

struct Views {
  std::uint64_t inside;
  std::uint64_t outside;
};

Views look() {
  return {.inside = statistics().mapped_bytes, .outside = anonymous_bytes()};
}

Views at_start{};
int disagreements = 0;
bool has_moved = false;

void compare(const char* when) {
  const Views now = look();
  has_moved = has_moved || now.inside != at_start.inside;
  if (now.inside - at_start.inside == now.outside - at_start.outside) return;
  std::fprintf(stderr, "%s: mapped_bytes grew by %lld, the anonymous mappings by %lld\n", when,
               static_cast<long long>(now.inside - at_start.inside),
               static_cast<long long>(now.outside - at_start.outside));
  ++disagreements;
}

constexpr int kObjects = 3000;
void* objects[kObjects];

void allocate_all() {
  constexpr std::size_t kSizes[] = {24, 700, 9000, 30'000, 70'000, 1u << 20, 9u << 20};
  for (int i = 0; i < kObjects; ++i) {
    // Of the two largest a few are enough.
    objects[i] = std::malloc(kSizes[static_cast<std::size_t>(i) % (i < 200 ? 7 : 5)]);
  }
}

int mapped_bytes_agree() {
  std::setvbuf(stderr, nullptr, _IONBF, 0);
  at_start = look();
  allocate_all();
  compare("with live objects");
  for (int i = 0; i < 200; i += 3) {
    objects[i] = std::realloc(objects[i], malloc_usable_size(objects[i]) + (12u << 20));
  }
  compare("after growing some");
  void* const aligned = std::aligned_alloc(64u << 20, 64u << 20);
  compare("with an aligned object");
  std::free(aligned);
  for (int i = 0; i < kObjects; i += 2) std::free(objects[i]);
  compare("after freeing half");
  for (int i = 1; i < kObjects; i += 2) std::free(objects[i]);
  compare("after freeing all");
  malloc_trim(0);
  compare("after a trim");
  const refmalloc_statistics now = statistics();
  const bool covered = has_moved && now.munmap_count > 0 && now.mremap_count > 0;
  if (!covered) std::fprintf(stderr, "nothing was unmapped or moved: this shows nothing\n");
  return disagreements == 0 && covered ? 0 : 1;
}

int print_info() {
  allocate_all();
  for (int i = 0; i < kObjects; i += 2) std::free(objects[i]);
  return malloc_info(0, stdout);
}

int stats_change_nothing() {
  allocate_all();
  const refmalloc_statistics before = statistics();
  malloc_stats();
  const refmalloc_statistics after = statistics();
  return std::memcmp(&before, &after, sizeof before) == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  read_statistics =
      reinterpret_cast<decltype(read_statistics)>(dlsym(RTLD_DEFAULT, "refmalloc_stats"));
  if (read_statistics == nullptr || count != 2) return 2;
  if (std::strcmp(arguments[1], "maps") == 0) return mapped_bytes_agree();
  if (std::strcmp(arguments[1], "info") == 0) return print_info();
  if (std::strcmp(arguments[1], "stats") == 0) return stats_change_nothing();
  return 2;
}

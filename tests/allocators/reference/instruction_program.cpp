// Mallocs and frees of given sizes, for callgrind to count instructions in. Started as
//
//   valgrind --tool=callgrind --toggle-collect=malloc --toggle-collect=free … PROGRAM SIZE…
//
// it dumps the count after each group of kGroup mallocs ("malloc SIZE") and of kGroup frees ("free
// SIZE"). A group fits into what a thread has at hand, so after some rounds only the shortest paths
// are taken. What comes before the first group of a size is dumped as "before".

#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>

#include "tests/allocators/reference/instruction_counts.h"

namespace {

void dump(const char* what, const char* size) {
  char label[64];
  std::snprintf(label, sizeof label, "%s %s", what, size);
  CALLGRIND_DUMP_STATS_AT(label);
}

void allocate(void** objects, std::size_t bytes) {
  for (int i = 0; i < kGroup; ++i) objects[i] = std::malloc(bytes);
}

void release(void** objects) {
  for (int i = 0; i < kGroup; ++i) std::free(objects[i]);
}

}  // namespace

int main(int count, char** arguments) {
  void* objects[kGroup];
  for (int argument = 1; argument < count; ++argument) {
    const char* const size = arguments[argument];
    const std::size_t bytes = std::strtoull(size, nullptr, 10);
    for (int round = 0; round < kRoundsBefore; ++round) {
      allocate(objects, bytes);
      release(objects);
    }
    dump("before", size);
    for (int round = 0; round < kRounds; ++round) {
      allocate(objects, bytes);
      dump("malloc", size);
      release(objects);
      dump("free", size);
    }
  }
  return 0;
}

// Started by tests under an allocator: asks it to release memory as its descriptor says, first what
// empties the thread's cache and then the whole. Prints which of the two it has and obeys.
// usage: release_program ALLOCATOR
#include <cstdio>
#include <cstdlib>

#include "allocators/release.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto* descriptor = heapwise::find_descriptor(argv[1]);
  if (descriptor == nullptr) return 2;
  std::free(std::malloc(100));  // a thread that has never allocated has no cache
  auto flush = descriptor->release;
  flush.name = flush.flush;
  flush.flush = {};
  if (!flush.name.empty() && heapwise::release_memory(flush)) std::fputs("flushed ", stdout);
  if (heapwise::release_memory(descriptor->release)) std::fputs("released", stdout);
  return 0;
}

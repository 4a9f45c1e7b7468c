// Started by tests under an allocator: reads its statistics around 64 MiB of small objects, as the
// worker does around a region, and prints "NAME BEFORE END" for each; then "heap_calls N", the
// calls that a third reading made where the counting shim is preloaded. usage: statistics_program
// ALLOCATOR
#include <dlfcn.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "bench/probe/allocator_statistics.h"

int main(int argc, char** argv) {
  using heapwise::Moment;
  if (argc != 2) return 2;
  const auto* descriptor = heapwise::find_descriptor(argv[1]);
  auto* count =
      reinterpret_cast<std::uint64_t (*)()>(dlsym(RTLD_DEFAULT, "heapwise_heap_calls_count"));
  if (descriptor == nullptr || count == nullptr) return 2;
  heapwise::AllocatorStatistics statistics(descriptor->statistics);
  statistics.read(Moment::kBefore);
  std::vector<void*> objects(65'536);
  for (void*& object : objects) {
    object = std::malloc(1024);
    std::memset(object, 1, 1024);
  }
  statistics.read(Moment::kEnd);
  const std::uint64_t calls_before = count();
  statistics.read(Moment::kBegin);
  const std::uint64_t calls = count() - calls_before;
  for (std::size_t i = 0; i < statistics.size(); ++i) {
    const auto before = statistics.value(Moment::kBefore, i);
    const auto end = statistics.value(Moment::kEnd, i);
    if (!before || !end) continue;
    std::printf("%s %" PRIu64 " %" PRIu64 "\n", statistics.name(i).data(), *before, *end);
  }
  std::printf("heap_calls %" PRIu64 " %" PRIu64 "\n", calls, calls);
  for (void* object : objects) std::free(object);
  return 0;
}

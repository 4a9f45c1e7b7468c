// arena_max, arena_test, hugetlb: how many heaps there are, and on what pages.
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "allocators/behaviour/glibc_heap.h"
#include "allocators/behaviour/huge_pages.h"

namespace heapwise {
namespace {

using namespace glibc;

constexpr std::uint64_t kMostThreads = 300;

/// Each thread makes one object, which binds it to an arena, and stays until the process ends.
void* hold_an_arena(void* barrier) {
  void* volatile object = std::malloc(kAboveCaches);
  pthread_barrier_wait(static_cast<pthread_barrier_t*>(barrier));
  while (object != &object) pause();
  return nullptr;
}

/// Threads that all have an arena; false where they cannot be had.
bool start_threads(std::uint64_t count) {
  static pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, static_cast<unsigned>(count) + 1);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  constexpr std::size_t kStackBytes = std::size_t{128} << 10;
  pthread_attr_setstacksize(&attributes, kStackBytes);
  for (std::uint64_t i = 0; i < count; ++i) {
    pthread_t thread{};
    if (pthread_create(&thread, &attributes, hold_an_arena, &barrier) != 0) return false;
  }
  pthread_barrier_wait(&barrier);
  return true;
}

/// malloc_info lists one <heap nr="…"> for each arena; 0 where it cannot be read.
std::uint64_t arenas_count() {
  const int file = memfd_create("malloc_info", MFD_CLOEXEC);
  FILE* stream = file < 0 ? nullptr : fdopen(file, "w+");
  if (stream == nullptr || malloc_info(0, stream) != 0 || std::fflush(stream) != 0) return 0;
  std::rewind(stream);
  std::uint64_t count = 0;
  char line[512];
  while (std::fgets(line, sizeof line, stream) != nullptr) {
    if (std::string_view(line).find("<heap nr=") != std::string_view::npos) ++count;
  }
  return count;
}

/// glibc's own limit where only arena_test is given: eight arenas for each CPU.
std::uint64_t limit_by_cpus() {
  constexpr std::uint64_t kArenasPerCpu = 8;
  return kArenasPerCpu * static_cast<std::uint64_t>(std::max(1L, sysconf(_SC_NPROCESSORS_CONF)));
}

/// Compares the arenas of more threads than arenas are expected.
void expect_arenas(std::uint64_t expected, ProbeAnswer& answer) {
  if (expected + 2 > kMostThreads) return answer.hide("that takes more threads than are tried");
  if (!start_threads(expected + 2)) return answer.hide("cannot start that many threads");
  const auto count = arenas_count();
  if (count == 0) return answer.hide("malloc_info cannot be read");
  if (count == expected) {
    return answer.verify("%" PRIu64 " threads share %" PRIu64 " arenas", expected + 2, count);
  }
  answer.contradict("%" PRIu64 " threads have %" PRIu64 " arenas", expected + 2, count);
}

}  // namespace

void probe_arena_max(const GlibcSettings& settings, ProbeAnswer& answer) {
  expect_arenas(*settings.arena_max, answer);
}

void probe_arena_test(const GlibcSettings& settings, ProbeAnswer& answer) {
  if (settings.arena_max) return answer.hide("arena_max decides");
  // The limit by CPUs is looked up once there are more than arena_test arenas.
  const auto expected = *settings.arena_test == UINT64_MAX ? UINT64_MAX : *settings.arena_test + 1;
  if (expected <= limit_by_cpus()) {
    return answer.hide("the limit by CPUs, %" PRIu64 ", decides", limit_by_cpus());
  }
  if (expected > kMostThreads) return answer.hide("that takes more threads than are tried");
  expect_arenas(expected, answer);
}

void probe_hugetlb(const GlibcSettings& settings, ProbeAnswer& answer) {
  constexpr std::uint64_t kLeast = std::uint64_t{16} << 20;
  constexpr std::uint64_t kMost = std::uint64_t{4} << 30;
  const auto wanted = *settings.hugetlb;
  const auto bytes = std::max(kLeast, wanted > 2 ? 2 * std::min(wanted, kMost) : 0);
  void* volatile object = std::malloc(bytes);
  if (object == nullptr) return answer.hide("no memory for an object of huge pages");
  const auto flags = mapping_flags(static_cast<const char*>(object) + bytes / 2);
  if (!flags.found) return answer.hide("/proc/self/smaps cannot be read");
  const char* seen = flags.hugetlb   ? "on reserved huge pages"
                     : flags.advised ? "advised for transparent huge pages"
                                     : "no huge pages";
  if (wanted == 0) {
    return flags.hugetlb || flags.advised ? answer.contradict("%s", seen)
                                          : answer.verify("%s", seen);
  }
  if (wanted == 1) {
    if (flags.advised) return answer.verify("%s", seen);
    if (transparent_huge_pages() != HugePageMode::kAlways) {
      return answer.contradict("%s", seen);
    }
    answer.see("%s", seen);
    return answer.hide("the system gives transparent huge pages to everyone");
  }
  return flags.hugetlb ? answer.verify("%s", seen) : answer.contradict("%s", seen);
}

}  // namespace heapwise

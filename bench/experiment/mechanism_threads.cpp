// How many regions of memory serve how many threads, and what a thread's first malloc maps.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "bench/experiment/experiment.h"
#include "bench/experiment/mappings.h"
#include "bench/experiment/own_memory.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr int kThreadCounts[] = {1, 2, 4, 8, 16};
constexpr int kMostThreads = 16;
constexpr int kObjects = 200;  // of each thread
constexpr std::size_t kObjectBytes = 64;
constexpr std::uintptr_t kAlignedRegionBytes = std::uintptr_t{64} << 20;
constexpr std::size_t kStackBytes = std::size_t{256} << 10;

/// All threads live until the last has allocated; they allocate one after the other.
struct Crew {
  pthread_barrier_t all_allocated;
  pthread_barrier_t may_end;
  pthread_mutex_t turn;
  std::uintptr_t objects[kMostThreads][kObjects];
  std::int64_t first_malloc_vsz_bytes[kMostThreads];
};

struct Member {
  Crew* crew;
  int place;
};

void allocate(Crew& crew, int place) {
  const std::int64_t before = read_vsz_bytes();
  void* object = malloc(kObjectBytes);
  crew.first_malloc_vsz_bytes[place] = read_vsz_bytes() - before;
  for (int i = 0; i < kObjects; ++i) {
    if (i > 0) object = malloc(kObjectBytes);
    crew.objects[place][i] = reinterpret_cast<std::uintptr_t>(object);
  }
}

void* work(void* member_pointer) {
  const auto& member = *static_cast<Member*>(member_pointer);
  pthread_mutex_lock(&member.crew->turn);
  allocate(*member.crew, member.place);
  pthread_mutex_unlock(&member.crew->turn);
  pthread_barrier_wait(&member.crew->all_allocated);
  pthread_barrier_wait(&member.crew->may_end);
  return nullptr;
}

/// Threads with an object in a page that has one of another thread's.
int count_sharing(const Crew& crew, int threads) {
  const auto page = [](std::uintptr_t address) { return address / 4096; };
  int sharing = 0;
  for (int one = 0; one < threads; ++one) {
    bool shares = false;
    for (int other = 0; other < threads && !shares; ++other) {
      if (other == one) continue;
      for (int i = 0; i < kObjects * kObjects && !shares; ++i) {
        shares = page(crew.objects[one][i / kObjects]) == page(crew.objects[other][i % kObjects]);
      }
    }
    sharing += shares ? 1 : 0;
  }
  return sharing;
}

/// How many mappings hold objects of the first `threads`.
int count_mappings(const Crew& crew, int threads) {
  Mappings all;
  Mapping one;
  int count = 0;
  while (all.next(one)) {
    const auto holds = [&](std::uintptr_t object) {
      return one.begin <= object && object < one.end;
    };
    bool serves = false;
    for (int place = 0; place < threads && !serves; ++place) {
      serves = std::any_of(crew.objects[place], crew.objects[place] + kObjects, holds);
    }
    count += serves ? 1 : 0;
  }
  return count;
}

int count_aligned_regions(const Crew& crew, int threads) {
  static std::uintptr_t regions[kMostThreads * kObjects];
  int count = 0;
  for (int place = 0; place < threads; ++place) {
    for (const std::uintptr_t object : crew.objects[place])
      regions[count++] = object / kAlignedRegionBytes;
  }
  std::sort(regions, regions + count);
  return static_cast<int>(std::unique(regions, regions + count) - regions);
}

void tell_regions(Report& report, const Crew& crew, int threads) {
  report.point("mappings_count", threads, count_mappings(crew, threads));
  report.point("aligned_regions_count", threads, count_aligned_regions(crew, threads));
  report.point("threads_sharing_pages_count", threads, count_sharing(crew, threads));
  if (threads == 1) return;
  const auto* const further = crew.first_malloc_vsz_bytes + 1;
  const std::int64_t most = *std::max_element(further, crew.first_malloc_vsz_bytes + threads);
  report.point("first_malloc_vsz_bytes", threads, static_cast<double>(most));
}

void run_crew(Report& report, int threads) {
  static Crew crew;
  pthread_t handles[kMostThreads];
  Member members[kMostThreads];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_mutex_init(&crew.turn, nullptr);
  pthread_barrier_init(&crew.all_allocated, nullptr, static_cast<unsigned>(threads));
  pthread_barrier_init(&crew.may_end, nullptr, static_cast<unsigned>(threads));
  allocate(crew, 0);
  pthread_mutex_lock(
      &crew.turn);  // until all are there: what starting one maps is not its malloc's
  for (int i = 1; i < threads; ++i) {
    members[i] = {.crew = &crew, .place = i};
    if (pthread_create(&handles[i], &attributes, work, &members[i]) != 0) _exit(EXIT_FAILURE);
  }
  pthread_mutex_unlock(&crew.turn);
  pthread_barrier_wait(&crew.all_allocated);
  tell_regions(report, crew, threads);
  char label[64];
  snprintf(label, sizeof label, "%d threads have allocated", threads);
  report.step(label);
  pthread_barrier_wait(&crew.may_end);
  for (int i = 1; i < threads; ++i) pthread_join(handles[i], nullptr);
}

}  // namespace

/// Tells, over the number of threads (the first one included), of 200 objects of 64 bytes of each:
/// mappings_count and aligned_regions_count, in how many mappings and in how many regions of 64 MiB
/// they lie; threads_sharing_pages_count, how many threads have one in a page with another's;
/// first_malloc_vsz_bytes, the most by which VSZ grew with the first malloc of a further thread.
void mechanism_threads(Report& report, const Arguments&) {
  report.step("at the start");
  for (const int threads : kThreadCounts) {
    char name[32];
    snprintf(name, sizeof name, "threads_%d", threads);
    tell_end(report, name, try_in_fork([&] { run_crew(report, threads); }), "measured");
  }
}

}  // namespace heapwise

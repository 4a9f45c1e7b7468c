// Whether a child of a process whose threads allocate can still allocate.
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "bench/experiment/experiment.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr int kThreads = 4;
constexpr int kForks = 100;
constexpr std::int64_t kForksSeconds = 3;  // or so long, if that is less
constexpr int kLiveObjects = 256;
constexpr std::size_t kSizes[] = {16, 100, 600, 5000, 40'000, 300'000};
constexpr int kSizesCount = 6;

std::atomic<bool> may_work{true};

/// Objects of all sizes come and go, so that every lock of the allocator is taken now and then.
void churn(void** live, int rounds, unsigned& state) {
  for (int i = 0; i < rounds; ++i) {
    state = state * 1664525U + 1013904223U;
    void*& slot = live[(state >> 16) % kLiveObjects];
    free(slot);
    slot = unknown(malloc(kSizes[(state >> 8) % kSizesCount]));
  }
}

void* work(void* seed) {
  constexpr int kRounds = 100;
  auto state = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(seed));
  void* live[kLiveObjects] = {};
  while (may_work.load(std::memory_order_relaxed)) churn(live, kRounds, state);
  for (void* const object : live) free(object);
  return nullptr;
}

/// What the child does: as its parent's threads did.
void allocate_in_child() {
  constexpr int kRounds = 2000;
  static void* live[kLiveObjects];
  unsigned state = 1;
  churn(live, kRounds, state);
}

std::int64_t now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

}  // namespace

/// While four threads allocate, the process forks up to 100 times, and each child allocates too.
/// Tells forks_count, children_well_count, and the text child: the first end of one that did not
/// end well ("hang": killed after its time), with which the forking stops, or "well".
void mechanism_fork(Report& report, const Arguments&) {
  report.step("at the start");
  pthread_t threads[kThreads];
  for (std::uintptr_t i = 0; i < kThreads; ++i) {
    if (pthread_create(&threads[i], nullptr, work, reinterpret_cast<void*>(i + 1)) != 0)
      report.refuse("pthread_create");
  }
  int forks = 0;
  int well = 0;
  TrialEnd end;
  const std::int64_t begin = now_seconds();
  while (forks < kForks && end.ended_well() && now_seconds() - begin < kForksSeconds) {
    ++forks;
    end = try_in_fork(allocate_in_child);
    well += end.ended_well() ? 1 : 0;
  }
  may_work = false;
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  report.value("forks_count", forks);
  report.value("children_well_count", well);
  tell_end(report, "child", end, "well");
  report.step("forks while four threads allocate");
}

}  // namespace heapwise

// The stack: what is mapped of it, how it grows, and where that ends.
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>

#include "bench/experiment/experiment.h"
#include "bench/experiment/mappings.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::size_t kFrameBytes = 1024;  // a fraction of a page: each page of the stack is met

struct Descent {
  std::uintptr_t floor = 0;    // where to turn back
  std::uintptr_t deepest = 0;  // that was written
  rlim_t limit_bytes = 0;
};

/// Calls itself, each time with another frame, down to the floor.
__attribute__((noinline)) void descend(volatile Descent* descent) {
  volatile char frame[kFrameBytes];
  frame[0] = 1;
  descent->deepest = reinterpret_cast<std::uintptr_t>(frame);
  if (descent->deepest > descent->floor) descend(descent);
  frame[0] = 0;  // the frame is needed until here, so the call is no jump
}

/// In a fork, under the limit that it is given.
void descend_under_limit(void* descent) {
  auto* const under = static_cast<Descent*>(descent);
  rlimit limit{};
  getrlimit(RLIMIT_STACK, &limit);
  limit.rlim_cur = under->limit_bytes;
  setrlimit(RLIMIT_STACK, &limit);
  descend(under);
}

Descent* map_shared_descent(Report& report) {
  void* const memory =
      mmap(nullptr, sizeof(Descent), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap of a shared page");
  return static_cast<Descent*>(memory);
}

std::size_t default_thread_stack_bytes() {
  pthread_attr_t attributes;
  std::size_t bytes = 0;
  pthread_attr_init(&attributes);
  pthread_attr_getstacksize(&attributes, &bytes);
  pthread_attr_destroy(&attributes);
  return bytes;
}

}  // namespace

/// Tells: is_limited and limit_bytes (RLIMIT_STACK), first_bytes (mapped at the start), used_bytes
/// (of it, by calls in calls), grown_bytes (mapped then), thread_stack_bytes (that a thread gets by
/// default); and of a fork that calls itself without end: tried_limit_bytes (the same limit, or 8
/// MiB where that is less), overflow_signal, deepest_bytes (below the stack's end).
void stack_limit(Report& report, const Arguments&) {
  constexpr rlim_t kMostBytes = rlim_t{8} << 20;
  const int local = 0;
  rlimit limit{};
  getrlimit(RLIMIT_STACK, &limit);
  Descent* const descent = map_shared_descent(report);
  descent->limit_bytes = std::min(limit.rlim_cur, kMostBytes);
  const Mapping first = mapping_of(&local);
  const std::size_t used_bytes =
      std::max(first.bytes(), static_cast<std::size_t>(descent->limit_bytes / 4));
  report.value("is_limited", limit.rlim_cur != RLIM_INFINITY ? 1 : 0);
  report.value("limit_bytes", static_cast<std::int64_t>(limit.rlim_cur));
  report.value("thread_stack_bytes", default_thread_stack_bytes());
  report.value("first_bytes", first.bytes());
  report.step("at the start", &local);
  descent->floor = first.end - used_bytes;
  descend(descent);
  report.value("used_bytes", used_bytes);
  report.value("grown_bytes", mapping_of(&local).bytes());
  report.step("calls in calls, with 1 KiB of local variables each",
              reinterpret_cast<void*>(descent->deepest));
  descent->floor = first.end - 2 * descent->limit_bytes;
  report.value("overflow_signal", signal_of_attempt(report, descend_under_limit, descent));
  report.value("tried_limit_bytes", static_cast<std::int64_t>(descent->limit_bytes));
  report.value("deepest_bytes", first.end - descent->deepest);
  report.step("a fork has called itself without end", reinterpret_cast<void*>(descent->deepest));
}

}  // namespace heapwise

// What workloads share whose objects are made in one thread and freed in another: how a thread
// waits for the other side, and how each counts what it has done.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/workload.h"

namespace heapwise {

/// Between two looks at the other side; `attempts` is the caller's, 0 at the start of its waiting.
inline void wait_a_moment(unsigned& attempts) {
  if (++attempts % 256 != 0) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    return;
  }
  sched_yield();
}

/// One thread's count, on a cache line of its own; published once for many objects.
struct alignas(64) Tally {
  std::atomic<std::uint64_t> objects{0};
  std::atomic<std::uint64_t> bytes{0};

  void add(std::uint64_t more_objects, std::uint64_t more_bytes) {
    objects.store(objects.load(std::memory_order_relaxed) + more_objects,
                  std::memory_order_release);
    bytes.store(bytes.load(std::memory_order_relaxed) + more_bytes, std::memory_order_release);
  }
};

/// How far they are together, asked from any thread: an operation has ended when its object is
/// freed. `tallies` are first the producers', then the consumers'.
inline Progress progress_of(std::span<const Tally> tallies, std::size_t producers) {
  std::uint64_t freed_objects = 0;
  std::uint64_t freed_bytes = 0;
  std::uint64_t made_bytes = 0;
  // Consumers first: what is freed was made, so live bytes never come out negative.
  for (const auto& consumer : tallies.subspan(producers)) {
    freed_objects += consumer.objects.load(std::memory_order_acquire);
    freed_bytes += consumer.bytes.load(std::memory_order_acquire);
  }
  for (const auto& producer : tallies.first(producers)) {
    made_bytes += producer.bytes.load(std::memory_order_acquire);
  }
  return {freed_objects, made_bytes - freed_bytes};
}

}  // namespace heapwise

// What workloads share whose threads start and end inside the region. The work is in slots; each
// has a driver, a thread of the crew, which runs one short-lived thread after the other:
//
//     driver:  start ──▶ join, start ──▶ join, start ──▶ …
//     thread:     └─ body ─┘   └─ body ─┘   └─ body ─┘
//
// A short-lived thread inherits its driver's CPU and takes over its heap.
// A thread's own state is memory of the harness. What the C library asks of the heap for a thread
// depends on what the threads before have left; it is not the workload's and is counted apart.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <thread>
#include <utility>

#include "workloads/workload.h"

namespace heapwise {

/// Runs body() in a thread of its own, and returns when that has ended.
template <class Body>
void run_in_a_thread(Body body) {
  std::thread(std::move(body)).join();
}

/// How far a slot is, on a cache line of its own. Whoever works in the slot publishes.
class alignas(64) SlotProgress {
 public:
  /// The change of live bytes is modulo 2^64: it may be negative.
  void add(std::uint64_t operations, std::uint64_t live_bytes_change) {
    add_to(live_bytes_, live_bytes_change);
    add_to(operations_, operations);
  }

  /// Asked from any thread.
  static Progress of_all(std::span<const SlotProgress> slots) {
    Progress all;
    for (const auto& slot : slots) {
      all.operations_count += slot.operations_.load(std::memory_order_relaxed);
      all.live_bytes += slot.live_bytes_.load(std::memory_order_relaxed);
    }
    return all;
  }

 private:
  // One thread writes at a time.
  static void add_to(std::atomic<std::uint64_t>& total, std::uint64_t amount) {
    total.store(total.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> operations_{0};
  std::atomic<std::uint64_t> live_bytes_{0};  // of what the slot holds
};

}  // namespace heapwise

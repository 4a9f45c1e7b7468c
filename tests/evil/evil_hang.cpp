// libevil_hang.so: a malloc that never comes back from its kLastCall-th call, and uses no CPU time
// while it does not. A hang must become a status, and must not stop a campaign.
#include "bench/preload/interposition.h"

namespace {

constexpr unsigned kLastCall = 20'000;

std::atomic<unsigned> calls{0};

}  // namespace

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  if (!heapwise::next_heap_ready()) return heapwise::boot_pool.allocate(size);
  if (calls.fetch_add(1, std::memory_order_relaxed) + 1 >= kLastCall) {
    while (true) pause();
  }
  return heapwise::next_heap.malloc(size);
}

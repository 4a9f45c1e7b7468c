// libevil_crash.so: a malloc that kills the process with SIGSEGV at its kFatalCall-th call: late
// enough for a process to start, early enough for every cell. A crash must become a status.
#include "bench/preload/interposition.h"

namespace {

constexpr unsigned kFatalCall = 20'000;

std::atomic<unsigned> calls{0};
char* volatile nowhere = nullptr;

}  // namespace

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  if (!heapwise::next_heap_ready()) return heapwise::boot_pool.allocate(size);
  if (calls.fetch_add(1, std::memory_order_relaxed) + 1 == kFatalCall) {
    *nowhere = 1;
  }
  return heapwise::next_heap.malloc(size);
}

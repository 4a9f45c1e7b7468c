// libheapwise_count.so: counts the heap calls of a process exactly and hands each to the next
// malloc. What counts as one call is said in heap_calls.h.
//
// Requested bytes are the sum of the sizes asked for; realloc adds its new size.
// Totals are over all threads since the process began. They are exact once the threads are joined
// or have passed a barrier. Never used in a timed pass: every call touches shared counters.
#include <atomic>
#include <cstdint>

#include "bench/preload/heap_calls.h"
#include "bench/preload/interposition.h"

namespace heapwise {
namespace {

// A sum over all threads, on a cache line of its own.
class alignas(64) Total {
 public:
  void add(std::uint64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::uint64_t load() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

constinit Total heap_calls;
constinit Total requested_bytes;

}  // namespace

void heap_call_seen(HeapCallKind, std::size_t bytes) {
  heap_calls.add(1);
  requested_bytes.add(bytes);
}

void heap_call_bytes_corrected(std::size_t seen, std::size_t asked_for) {
  requested_bytes.add(asked_for - seen);  // the sum of both additions is right, modulo 2^64
}

}  // namespace heapwise

HEAPWISE_EXPORT std::uint64_t heapwise_heap_calls_count() {
  return heapwise::heap_calls.load();
}

HEAPWISE_EXPORT std::uint64_t heapwise_requested_bytes() {
  return heapwise::requested_bytes.load();
}

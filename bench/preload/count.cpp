// libheapwise_count.so: counts the heap calls of a process exactly and hands each to the next
// malloc. What counts as one call is said in heap_calls.h; those of the C library and the dynamic
// linker themselves (c_library.h) are counted apart, because how many a thread that starts makes
// depends on what the ones before have left.
//
// Requested bytes are the sum of the sizes asked for; realloc adds its new size.
// Totals are over all threads since the process began. They are exact once the threads are joined
// or have passed a barrier; before this library's constructor every call is the program's. Never
// used in a timed pass: every call touches shared counters.
#include <atomic>
#include <cstdint>

#include "bench/preload/c_library.h"
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

struct Totals {
  Total heap_calls;
  Total requested_bytes;
};

constinit CLibrary c_library;
constinit Totals of_program;
constinit Totals of_library;

Totals& totals_of(const void* caller) {
  return c_library.contains(caller) ? of_library : of_program;
}

__attribute__((constructor)) void find_c_library() {
  c_library.find();
}

}  // namespace

void heap_call_seen(HeapCallKind, std::size_t bytes, const void* caller) {
  Totals& totals = totals_of(caller);
  totals.heap_calls.add(1);
  totals.requested_bytes.add(bytes);
}

void heap_call_bytes_corrected(std::size_t seen, std::size_t asked_for, const void* caller) {
  // The sum of both additions is right, modulo 2^64.
  totals_of(caller).requested_bytes.add(asked_for - seen);
}

}  // namespace heapwise

HEAPWISE_EXPORT std::uint64_t heapwise_heap_calls_count() {
  return heapwise::of_program.heap_calls.load();
}

HEAPWISE_EXPORT std::uint64_t heapwise_requested_bytes() {
  return heapwise::of_program.requested_bytes.load();
}

HEAPWISE_EXPORT std::uint64_t heapwise_library_calls_count() {
  return heapwise::of_library.heap_calls.load();
}

HEAPWISE_EXPORT std::uint64_t heapwise_library_requested_bytes() {
  return heapwise::of_library.requested_bytes.load();
}

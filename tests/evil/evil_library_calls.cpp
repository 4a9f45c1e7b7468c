// A counting shim that sees the C library call the heap in every region: a harness that did not
// look there would measure more than the workload asked for.

#include <cstdint>

extern "C" {

__attribute__((visibility("default"))) std::uint64_t heapwise_heap_calls_count() {
  return 0;
}

__attribute__((visibility("default"))) std::uint64_t heapwise_requested_bytes() {
  return 0;
}

__attribute__((visibility("default"))) std::uint64_t heapwise_library_calls_count() {
  static std::uint64_t calls = 0;
  return calls += 1;
}

}  // extern "C"

// A counting shim that counts one call too many in every region: a harness that compared nothing
// would never notice.

#include <cstdint>

extern "C" {

__attribute__((visibility("default"))) std::uint64_t heapwise_heap_calls_count() {
  static std::uint64_t calls = 0;
  return calls += 1;
}

__attribute__((visibility("default"))) std::uint64_t heapwise_requested_bytes() { return 0; }

__attribute__((visibility("default"))) std::uint64_t heapwise_library_calls_count() { return 0; }

}  // extern "C"

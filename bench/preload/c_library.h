// Where the C library and the dynamic linker lie: a heap call that returns there is one of their
// own, such as pthread_create's for a thread's table of thread-local storage, and not the
// program's.
//
// What a call looks like from outside decides. A function that the C library calls and whose last
// deed is a heap call (`return malloc(10);` at the end of a thread) is left before that call is
// made, so it counts as the C library's.
#pragma once

#include <array>
#include <cstdint>

namespace heapwise {

/// Empty until something is known.
struct LoadedRange {
  std::uintptr_t begins = 0;
  std::uintptr_t length = 0;
  bool contains(std::uintptr_t address) const { return address - begins < length; }
};

class CLibrary {
 public:
  /// Looks both up, without the heap; to be called while there is one thread, in a constructor.
  void find();

  /// False for every address before find().
  bool contains(const void* address) const {
    const auto value = reinterpret_cast<std::uintptr_t>(address);
    return ranges_[0].contains(value) || ranges_[1].contains(value);
  }

 private:
  std::array<LoadedRange, 2> ranges_{};
};

}  // namespace heapwise

// A probe of behaviour runs in a fork of its own: it may fill, exhaust or trim the heap, every
// probe finds the heap as the process had it at the start, and a crash costs one answer only.
#pragma once

#include <array>
#include <cstdint>

#include "allocators/allocator.h"

namespace heapwise {

/// What one probe found. Plain memory: it crosses from the fork to its parent.
struct ProbeAnswer {
  Verdict verdict = Verdict::kRequestedOnly;
  std::array<char, 96> read_back{};  // what was seen
  std::array<char, 160> note{};      // why nothing could be seen

  /// The value is obeyed.
  [[gnu::format(printf, 2, 3)]] void verify(const char* seen, ...);
  /// The value was accepted and is not obeyed.
  [[gnu::format(printf, 2, 3)]] void contradict(const char* seen, ...);
  /// This process cannot tell; `why` says what hides it. Keeps what was seen, if anything.
  [[gnu::format(printf, 2, 3)]] void hide(const char* why, ...);
  [[gnu::format(printf, 2, 3)]] void see(const char* seen, ...);
};

/// Calls `probe(argument, answer)` in a fork and waits. The answer of a fork that crashed, or took
/// longer than 8 s, is "requested only" and says so. The calling process must have one thread.
ProbeAnswer run_in_fork(void (*probe)(const void* argument, ProbeAnswer& answer),
                        const void* argument);

/// The same for anything that can be called with an answer; takes no heap memory for it.
template <class Callable>
ProbeAnswer probe_in_fork(const Callable& probe) {
  return run_in_fork([](const void* callable,
                        ProbeAnswer& answer) { (*static_cast<const Callable*>(callable))(answer); },
                     &probe);
}

}  // namespace heapwise

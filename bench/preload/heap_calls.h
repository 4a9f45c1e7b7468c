// The calls that a program makes of its heap, each seen once however it is nested. forward.cpp and
// forward_operators.cpp stand in front of the next malloc and see them; what a call means is said
// by the library that they are part of.
//
// What is one call:
//   - every call of a function of HEAPWISE_HEAP_FUNCTIONS, free(NULL) and failed calls included;
//   - every operator new or delete of an allocator that has its own, which does not pass through
//     malloc. The C++ library's operators do pass through malloc and are seen there, once
//     (forward_operators.cpp).
//   - not: a call that the next heap makes of itself on behalf of one that is seen (glibc's
//     reallocarray calls realloc); malloc_usable_size; extensions such as sdallocx.
// An operator new of an allocator's own that throws is not seen: nothing may run in this frame
// then.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapwise {

enum class HeapCallKind { kAllocation, kRelease };  // what resizes is an allocation

/// Defined by the library: one call, of the size that was asked for; an overflowing count * size
/// and a release are of 0 bytes. `caller` is where the function that was called returns to. Runs on
/// the caller's thread, of a C function before the call is handed on. May come before the library's
/// constructor, must keep errno and make no heap call.
void heap_call_seen(HeapCallKind kind, std::size_t bytes, const void* caller);

/// Defined by the library: the bytes of the call seen last, on this thread and from this caller,
/// were `seen` because an operator rounds up; the program asked for others.
void heap_call_bytes_corrected(std::size_t seen, std::size_t asked_for, const void* caller);

inline constinit thread_local unsigned seen_depth = 0;  // SeenCalls on this thread's stack
inline constinit thread_local std::uint64_t calls_of_thread = 0;
inline constinit thread_local std::uint64_t bytes_of_thread = 0;  // may wrap: differences are taken
inline constinit thread_local const void* last_caller_of_thread = nullptr;

inline void see_heap_call(HeapCallKind kind, std::size_t bytes, const void* caller) {
  ++calls_of_thread;
  bytes_of_thread += bytes;
  last_caller_of_thread = caller;
  heap_call_seen(kind, bytes, caller);
}

/// Rule for the C functions, none of which throws: the outermost of a nest is seen, at its start.
class SeenCall {
 public:
  SeenCall(HeapCallKind kind, std::size_t bytes, const void* caller) {
    if (seen_depth++ == 0) see_heap_call(kind, bytes, caller);
  }
  ~SeenCall() { --seen_depth; }
  SeenCall(const SeenCall&) = delete;
  SeenCall& operator=(const SeenCall&) = delete;
};

/// Rule for the operators, which may be left by an exception without any code of ours running:
/// at the end, and only when nothing inside was seen. There is no state that could stay wrong.
/// A single call inside is the operator's own and gets the size the program asked for: libstdc++
/// rounds that of an aligned operator new up.
class SeenOperator {
 public:
  void returned(HeapCallKind kind, std::size_t bytes, const void* caller) const {
    if (seen_depth != 0) return;
    const std::uint64_t calls_inside = calls_of_thread - calls_before_;
    if (calls_inside == 0) see_heap_call(kind, bytes, caller);
    if (calls_inside == 1) correct_bytes(bytes_of_thread - bytes_before_, bytes);
  }

 private:
  static void correct_bytes(std::uint64_t seen, std::uint64_t asked_for) {
    if (seen == asked_for) return;
    bytes_of_thread += asked_for - seen;
    heap_call_bytes_corrected(seen, asked_for, last_caller_of_thread);
  }

  std::uint64_t calls_before_ = calls_of_thread;
  std::uint64_t bytes_before_ = bytes_of_thread;
};

}  // namespace heapwise

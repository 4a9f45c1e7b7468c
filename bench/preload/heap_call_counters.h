// The counters of libheapwise_count.so and the two rules by which nested calls count once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace heapwise {

/// A sum over all threads, on a cache line of its own.
class alignas(64) Total {
 public:
  void add(std::uint64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::uint64_t load() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constinit Total heap_calls;
inline constinit Total requested_bytes;

inline constinit thread_local unsigned counted_depth = 0;  // CountedCalls on this thread's stack
inline constinit thread_local std::uint64_t calls_of_thread = 0;
inline constinit thread_local std::uint64_t bytes_of_thread = 0;  // may wrap: differences are taken

inline void count_heap_call(std::size_t bytes) {
  ++calls_of_thread;
  bytes_of_thread += bytes;
  heap_calls.add(1);
  requested_bytes.add(bytes);
}

/// Rule for the C functions, none of which throws: the outermost of a nest counts, at its start.
class CountedCall {
 public:
  explicit CountedCall(std::size_t bytes) {
    if (counted_depth++ == 0) count_heap_call(bytes);
  }
  ~CountedCall() { --counted_depth; }
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;
};

/// Rule for the operators, which may be left by an exception without any code of ours running:
/// at the end, and only when nothing inside was counted. There is no state that could stay wrong.
/// A single call inside is the operator's own and gets the size the program asked for: libstdc++
/// rounds that of an aligned operator new up.
class CountedOperator {
 public:
  void returned(std::size_t bytes) const {
    if (counted_depth != 0) return;
    const std::uint64_t calls_inside = calls_of_thread - calls_before_;
    if (calls_inside == 0) count_heap_call(bytes);
    if (calls_inside == 1) correct_bytes(bytes_of_thread - bytes_before_, bytes);
  }

 private:
  static void correct_bytes(std::uint64_t counted, std::uint64_t asked_for) {
    if (counted == asked_for) return;
    bytes_of_thread += asked_for - counted;
    requested_bytes.add(asked_for - counted);  // the sum of both additions is right, modulo 2^64
  }

  std::uint64_t calls_before_ = calls_of_thread;
  std::uint64_t bytes_before_ = bytes_of_thread;
};

}  // namespace heapwise

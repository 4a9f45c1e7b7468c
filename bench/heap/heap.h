// The heap under test as a workload sees it: the ways to allocate, to write and to free an object.
//
// Three types fill the concept, and a workload is compiled once for each, so that a plain run pays
// for nothing but the bare call: PlainHeap calls, TimedHeap brackets every call, CheckedHeap holds
// every object against a shadow.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "bench/heap/failure.h"
#include "bench/heap/next_operators.h"
#include "bench/probe/latency_recorder.h"

namespace heapwise {

/// How much of a fresh object its user writes.
enum class Touch {
  kFirstByte,  // of the object
  kEveryPage,  // the first byte, and one byte in each further page
};

inline constexpr std::size_t kTouchStride = 4096;

template <class Heap>
concept HeapUnderTest = requires(Heap& heap, void* object, std::size_t size, Touch touch) {
  { heap.allocate(size) } -> std::same_as<void*>;                // malloc
  { heap.allocate_zeroed(size) } -> std::same_as<void*>;         // calloc
  { heap.allocate_aligned(size, size) } -> std::same_as<void*>;  // posix_memalign: alignment, size
  { heap.reallocate(object, size) } -> std::same_as<void*>;      // realloc
  { heap.operator_new(size) } -> std::same_as<void*>;            // the allocator's own
  {heap.first_write(object, size, touch)};
  {heap.rewrite(object, size)};  // the first byte again, of an object that is in use
  {heap.free(object)};
  {heap.operator_delete(object, size)};  // the sized one, of what operator_new gave
  {heap.take_over()};                    // from now on the calling thread uses it, no other
};

inline void write_object(void* object, std::size_t size, Touch touch) {
  auto* bytes = static_cast<volatile unsigned char*>(object);
  bytes[0] = 1;
  if (touch == Touch::kFirstByte) return;
  for (std::size_t offset = kTouchStride; offset < size; offset += kTouchStride) bytes[offset] = 1;
  bytes[size - 1] = 1;
}

/// Reads the first byte, as every use of an object begins.
inline unsigned char read_object(const void* object) {
  return *static_cast<const volatile unsigned char*>(object);
}

inline void rewrite_object(void* object) {
  auto* bytes = static_cast<volatile unsigned char*>(object);
  bytes[0] = static_cast<unsigned char>(bytes[0] + 1);
}

/// The calls that make an object. A refused request ends the process with status out_of_memory.
namespace bare {

inline void* require(void* object, std::string_view function, std::size_t size) {
  if (object == nullptr) [[unlikely]]
    fail_out_of_memory(function, size);
  return object;
}

inline void* allocate(std::size_t size) {
  return require(std::malloc(size), "malloc", size);
}
inline void* allocate_zeroed(std::size_t size) {
  return require(std::calloc(1, size), "calloc", size);
}
/// `alignment` is a power of two and a multiple of a pointer's size.
inline void* allocate_aligned(std::size_t alignment, std::size_t size) {
  void* object = nullptr;
  if (posix_memalign(&object, alignment, size) != 0) [[unlikely]]
    fail_out_of_memory("posix_memalign", size);
  return object;
}
inline void* reallocate(void* object, std::size_t size) {
  return require(std::realloc(object, size), "realloc", size);
}
inline void* operator_new(std::size_t size) {
  return require(next_operator_new(size), "operator new", size);
}

}  // namespace bare

/// The bare calls.
class PlainHeap {
 public:
  void* allocate(std::size_t size) { return bare::allocate(size); }
  void* allocate_zeroed(std::size_t size) { return bare::allocate_zeroed(size); }
  void* allocate_aligned(std::size_t alignment, std::size_t size) {
    return bare::allocate_aligned(alignment, size);
  }
  void* reallocate(void* object, std::size_t size) { return bare::reallocate(object, size); }
  void* operator_new(std::size_t size) { return bare::operator_new(size); }
  void first_write(void* object, std::size_t size, Touch touch) {
    write_object(object, size, touch);
  }
  void rewrite(void* object, std::size_t) { rewrite_object(object); }
  void free(void* object) { std::free(object); }
  void operator_delete(void* object, std::size_t size) { next_operator_delete(object, size); }
  void take_over() {}
};

/// Every step in a bracket of its own; what resizes is an allocation, copying and all. One recorder
/// belongs to one thread at a time.
class TimedHeap {
 public:
  explicit TimedHeap(LatencyRecorder& recorder) : recorder_(&recorder) {}

  void* allocate(std::size_t size) {
    return timed_allocation([&] { return bare::allocate(size); });
  }
  void* allocate_zeroed(std::size_t size) {
    return timed_allocation([&] { return bare::allocate_zeroed(size); });
  }
  void* allocate_aligned(std::size_t alignment, std::size_t size) {
    return timed_allocation([&] { return bare::allocate_aligned(alignment, size); });
  }
  void* reallocate(void* object, std::size_t size) {
    return timed_allocation([&] { return bare::reallocate(object, size); });
  }
  void* operator_new(std::size_t size) {
    return timed_allocation([&] { return bare::operator_new(size); });
  }
  void first_write(void* object, std::size_t size, Touch touch) {
    timed(Step::kFirstWrite, [&] { write_object(object, size, touch); });
  }
  void rewrite(void* object, std::size_t) { rewrite_object(object); }
  void free(void* object) {
    timed(Step::kFree, [&] { std::free(object); });
  }
  void operator_delete(void* object, std::size_t size) {
    timed(Step::kFree, [&] { next_operator_delete(object, size); });
  }
  void take_over() { recorder_->take_over(); }

 private:
  template <class Call>
  void* timed_allocation(Call call) {
    const Ticks begin = bracket_opens();
    void* object = call();
    recorder_->record(Step::kAllocate, bracket_closes() - begin);
    return object;
  }
  template <class Call>
  void timed(Step step, Call call) {
    const Ticks begin = bracket_opens();
    call();
    recorder_->record(step, bracket_closes() - begin);
  }

  LatencyRecorder* recorder_;
};

class ShadowHeap;

/// Every object is filled with a pattern of its own, found intact when it is resized or freed,
/// aligned for its size and apart from every other live object. The first violation ends the
/// process with status integrity_failed: nothing that such a heap holds can be trusted afterwards.
class CheckedHeap {
 public:
  explicit CheckedHeap(ShadowHeap& shadow) : shadow_(&shadow) {}

  void* allocate(std::size_t size);
  void* allocate_zeroed(std::size_t size);
  void* allocate_aligned(std::size_t alignment, std::size_t size);
  void* reallocate(void* object, std::size_t size);
  void* operator_new(std::size_t size);
  void first_write(void* object, std::size_t size, Touch touch);
  void rewrite(void* object, std::size_t size);
  void free(void* object);
  void operator_delete(void* object, std::size_t size);
  void take_over() {}

 private:
  ShadowHeap* shadow_;  // shared by all threads
};

static_assert(HeapUnderTest<PlainHeap> && HeapUnderTest<TimedHeap> && HeapUnderTest<CheckedHeap>);

}  // namespace heapwise

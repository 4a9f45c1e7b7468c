// The heap under test as a workload sees it: allocate, reallocate, first_write, free.
//
// Three types fill the concept, and a workload is compiled once for each, so that a plain run pays
// for nothing but the bare call: PlainHeap calls, TimedHeap brackets every call, CheckedHeap holds
// every object against a shadow.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdlib>

#include "bench/heap/failure.h"
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
  { heap.allocate(size) } -> std::same_as<void*>;
  { heap.reallocate(object, size) } -> std::same_as<void*>;
  {heap.first_write(object, size, touch)};
  {heap.free(object)};
};

inline void write_object(void* object, std::size_t size, Touch touch) {
  auto* bytes = static_cast<volatile unsigned char*>(object);
  bytes[0] = 1;
  if (touch == Touch::kFirstByte) return;
  for (std::size_t offset = kTouchStride; offset < size; offset += kTouchStride) bytes[offset] = 1;
  bytes[size - 1] = 1;
}

/// The bare calls. A refused request ends the process with status out_of_memory.
class PlainHeap {
 public:
  void* allocate(std::size_t size) {
    void* object = std::malloc(size);
    if (object == nullptr) [[unlikely]]
      fail_out_of_memory("malloc", size);
    return object;
  }
  void* reallocate(void* object, std::size_t size) {
    void* resized = std::realloc(object, size);
    if (resized == nullptr) [[unlikely]]
      fail_out_of_memory("realloc", size);
    return resized;
  }
  void first_write(void* object, std::size_t size, Touch touch) {
    write_object(object, size, touch);
  }
  void free(void* object) { std::free(object); }
};

/// Every step in a bracket of its own; what resizes is an allocation, copying and all. One recorder
/// belongs to one thread.
class TimedHeap {
 public:
  explicit TimedHeap(LatencyRecorder& recorder) : recorder_(&recorder) {}

  void* allocate(std::size_t size) {
    const Ticks begin = bracket_opens();
    void* object = std::malloc(size);
    recorder_->record(Step::kAllocate, bracket_closes() - begin);
    if (object == nullptr) [[unlikely]]
      fail_out_of_memory("malloc", size);
    return object;
  }
  void* reallocate(void* object, std::size_t size) {
    const Ticks begin = bracket_opens();
    void* resized = std::realloc(object, size);
    recorder_->record(Step::kAllocate, bracket_closes() - begin);
    if (resized == nullptr) [[unlikely]]
      fail_out_of_memory("realloc", size);
    return resized;
  }
  void first_write(void* object, std::size_t size, Touch touch) {
    const Ticks begin = bracket_opens();
    write_object(object, size, touch);
    recorder_->record(Step::kFirstWrite, bracket_closes() - begin);
  }
  void free(void* object) {
    const Ticks begin = bracket_opens();
    std::free(object);
    recorder_->record(Step::kFree, bracket_closes() - begin);
  }

 private:
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
  void* reallocate(void* object, std::size_t size);
  void first_write(void* object, std::size_t size, Touch touch);
  void free(void* object);

 private:
  ShadowHeap* shadow_;  // shared by all threads
};

static_assert(HeapUnderTest<PlainHeap> && HeapUnderTest<TimedHeap> && HeapUnderTest<CheckedHeap>);

}  // namespace heapwise

// What glibc keeps in front of each object, read where it lies:
//
//   | bytes to the mapping's start | chunk's size | flags |  object ...
//   ^ chunk    (mapped ones only)                           ^ two words on
//
// The layout is that of every glibc with 64-bit words since 2.0; libheapwise_share.so tries it on
// real objects before it believes in it. The object must be live.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/preload/malloc_ranges.h"

namespace heapwise {

class GlibcChunk {
 public:
  static constexpr std::size_t kWordBytes = sizeof(std::size_t);
  static constexpr std::size_t kHeaderBytes = 2 * kWordBytes;

  explicit GlibcChunk(const void* object)
      : words_(static_cast<const std::size_t*>(object) - 2),
        // Another thread may write the flag of the chunk before, which is not looked at.
        size_and_flags_(__atomic_load_n(&words_[1], __ATOMIC_RELAXED)) {}

  std::uint64_t address() const { return reinterpret_cast<std::uintptr_t>(words_); }
  std::size_t bytes() const { return size_and_flags_ & ~kFlags; }

  /// The object has a mapping of its own.
  bool is_mapped() const { return (size_and_flags_ & kIsMapped) != 0; }
  bool is_in_arena_heap() const {
    return (size_and_flags_ & (kIsMapped | kIsOfOtherArena)) == kIsOfOtherArena;
  }

  /// Of a mapped object; an aligned one does not begin where its mapping does.
  AddressRange mapping() const { return {address() - words_[0], words_[0] + bytes()}; }

  /// The address space of the heap that an object of another than the main arena lies in.
  AddressRange arena_heap() const { return {address() & ~(kArenaHeapBytes - 1), kArenaHeapBytes}; }

 private:
  static constexpr std::size_t kIsMapped = 2;
  static constexpr std::size_t kIsOfOtherArena = 4;
  static constexpr std::size_t kFlags = 7;
  // HEAP_MAX_SIZE, to which each heap is aligned: twice the largest mmap threshold.
  static constexpr std::uint64_t kArenaHeapBytes = std::uint64_t{64} << 20;
  static_assert(kWordBytes == 8, "other sizes, and another HEAP_MAX_SIZE, with 32-bit words");

  const std::size_t* words_;
  std::size_t size_and_flags_;
};

}  // namespace heapwise

// Which memory of a process is glibc's malloc's: the file FOLDER/PID.ranges that
// libheapwise_share.so keeps mapped in its process and bench/program/malloc_share.cpp reads. Host byte
// order; both are always from the same build.
//
//   | header | arena heaps: what arenas other than the main one took | mapped objects: one by one |
//
// The main arena's heap ends where the mapping does that the kernel names [heap]. A slot is 0 or
// one range packed into a word, which is written whole: a reader sees no half of an entry at any
// moment. The file is sparse and takes a few pages.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapwise {

inline constexpr std::uint64_t kMallocRangesMagic = 0x31474e525748ULL;  // "HWRNG1"
inline constexpr std::uint64_t kMallocRangesVersion = 1;
inline constexpr char kMallocRangesSuffix[] = ".ranges";  // after the process's number

/// glibc maps at most 65536 objects at once unless told otherwise (mmap_max).
inline constexpr std::size_t kMappedObjectsMost = std::size_t{1} << 16;
inline constexpr std::size_t kArenaHeapsMost = std::size_t{1} << 12;

enum class MallocLayout : std::uint64_t { kUnknown, kGlibc };

struct MallocRanges {
  std::uint64_t magic;  // written last
  std::uint64_t version;
  std::int64_t pid;
  MallocLayout layout;  // kUnknown: another allocator answers, and nothing below is set
  std::uint64_t main_heap_begins;
  std::int64_t live_bytes;        // usable sizes of the live objects together
  std::int64_t unrecorded_count;  // live objects whose memory is neither here nor in the main heap
  std::uint64_t arena_heaps[kArenaHeapsMost];  // may have been given back since
  std::uint64_t mapped_objects[kMappedObjectsMost];
};

struct AddressRange {
  std::uint64_t begins;
  std::uint64_t length;
  std::uint64_t ends() const { return begins + length; }
};

// | begins, in units of 4 KiB: 36 bits | length, likewise: 28 bits |
inline constexpr int kRangeUnitBits = 12;
inline constexpr int kRangeLengthBits = 28;
inline constexpr int kRangeBeginBits = 36;

/// 0 for a range that does not fit: one of 1 TiB or more, or above 2^48.
constexpr std::uint64_t pack_range(AddressRange range) {
  const std::uint64_t begins = range.begins >> kRangeUnitBits;
  const std::uint64_t length = range.length >> kRangeUnitBits;
  const bool fits = begins >> kRangeBeginBits == 0 && length >> kRangeLengthBits == 0;
  return fits ? begins << kRangeLengthBits | length : 0;
}

constexpr AddressRange unpack_range(std::uint64_t slot) {
  const std::uint64_t length = slot & ((std::uint64_t{1} << kRangeLengthBits) - 1);
  return {slot >> kRangeLengthBits << kRangeUnitBits, length << kRangeUnitBits};
}

}  // namespace heapwise

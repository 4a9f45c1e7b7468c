// The fixed measures of the heap, from which every other layer derives its own.
#pragma once

#include <cstddef>
#include <cstdint>

namespace refmalloc {

// A slice is the unit of the page map and of everything asked of the operating system. It is a
// multiple of every page size Linux has on x86-64 and aarch64 (4, 16 and 64 KiB).
inline constexpr std::size_t kSliceShift = 16;
inline constexpr std::size_t kSliceBytes = std::size_t{1} << kSliceShift;

// What the kernel backs by one huge page on x86-64, and on aarch64 with pages of 4 KiB.
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
inline constexpr std::size_t kHugePageSlices = kHugePageBytes / kSliceBytes;

// Bitmaps are made of words of so many bits.
inline constexpr std::size_t kWordBits = 64;

inline constexpr std::size_t kMinimumAlignment = 16;
inline constexpr std::size_t kCacheLineBytes = 64;

// User addresses have at most 48 bits on both architectures unless a program asks for more.
inline constexpr std::size_t kAddressBits = 48;

// Pointer differences must be representable, so nothing larger is ever handed out.
inline constexpr std::size_t kLargestRequest = PTRDIFF_MAX - (std::size_t{1} << 32);

inline constexpr std::size_t kMostArenas = 64;

constexpr std::size_t round_up(std::size_t bytes, std::size_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

// Room for what realloc has made longer and will probably make longer still: an eighth of what was
// asked for. A later realloc that leaves no more than that unused changes nothing.
constexpr std::size_t with_slack(std::size_t bytes) {
  return bytes + bytes / 8;
}

constexpr std::size_t slices_for(std::size_t bytes) {
  return (bytes + kSliceBytes - 1) >> kSliceShift;
}

inline bool is_slice_start(const void* pointer) {
  return (reinterpret_cast<std::uintptr_t>(pointer) & (kSliceBytes - 1)) == 0;
}

constexpr bool is_power_of_two(std::size_t value) {
  return value != 0 && (value & (value - 1)) == 0;
}

}  // namespace refmalloc

// Which sizes threads keep in their magazines, and which of them a request gets.
//
//   class   1 …  8   16, 32 … 128            steps of 16
//   class   9 … 32   144, 160 … 1024         eight steps a doubling
//   class  33 … 56   1280, 1536 … 65536      four steps a doubling
//   class  57 … 59   2, 3 and 4 slices       a run for each object, kept by threads like the others
//
// Class 0 is no class: it marks what no thread keeps. Because no metadata lies in a slab, an
// object of a class that is a multiple of an alignment has that alignment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "allocators/reference/geometry.h"

namespace refmalloc {

inline constexpr std::size_t kClassesCount = 56;
inline constexpr std::size_t kLastFineClass = 8;
inline constexpr std::size_t kLastEighthClass = 32;
inline constexpr std::size_t kFineBytes = 128;
inline constexpr std::size_t kTableBytes = 1024;
inline constexpr std::size_t kLargestClassBytes = kSliceBytes;

constexpr std::size_t bytes_of_class(std::size_t size_class) {
  if (size_class <= kLastFineClass) return size_class * kMinimumAlignment;
  if (size_class <= kLastEighthClass) {
    const std::size_t step = size_class - kLastFineClass - 1;
    const std::size_t base = kFineBytes << (step / 8);
    return base + (step % 8 + 1) * (base / 8);
  }
  const std::size_t step = size_class - kLastEighthClass - 1;
  const std::size_t base = kTableBytes << (step / 4);
  return base + (step % 4 + 1) * (base / 4);
}

inline constexpr std::size_t kFewestRunSlices = 2;
inline constexpr std::size_t kMostKeptRunSlices = 4;
inline constexpr std::size_t kFirstRunClass = kClassesCount + 1;
inline constexpr std::size_t kLastRunClass = kClassesCount + kMostKeptRunSlices - 1;

constexpr bool is_run_class(std::size_t size_class) {
  return size_class >= kFirstRunClass && size_class <= kLastRunClass;
}
constexpr std::size_t slices_of_run_class(std::size_t size_class) {
  return size_class - kFirstRunClass + kFewestRunSlices;
}
constexpr std::size_t run_class_of(std::size_t slices) {
  return slices - kFewestRunSlices + kFirstRunClass;
}

// The table answers for every request up to kTableBytes, by its number of 16-byte units.
using SmallClassTable = std::array<std::uint8_t, kTableBytes / kMinimumAlignment + 1>;

constexpr SmallClassTable make_small_class_table() {
  SmallClassTable table{};
  std::size_t size_class = 1;
  for (std::size_t units = 0; units < table.size(); ++units) {
    while (bytes_of_class(size_class) < units * kMinimumAlignment) ++size_class;
    table[units] = static_cast<std::uint8_t>(size_class);
  }
  return table;
}

inline constexpr SmallClassTable kSmallClassTable = make_small_class_table();

// For requests up to kTableBytes.
constexpr std::size_t class_of_table(std::size_t bytes) {
  return kSmallClassTable[(bytes + kMinimumAlignment - 1) / kMinimumAlignment];
}

// For longer ones up to kLargestClassBytes: the power of two below says the doubling, the two bits
// behind its leading one the step.
constexpr std::size_t class_above_table(std::size_t bytes) {
  constexpr std::size_t kTableLog = 10;
  constexpr std::size_t kSteps = 4;
  const std::size_t last = bytes - 1;
  const auto log = static_cast<std::size_t>(__builtin_clzll(last) ^ 63);
  return log * kSteps + (last >> (log - 2)) + (kLastEighthClass + 1 - kTableLog * kSteps - kSteps);
}

// The smallest class that holds `bytes`, which must be at most kLargestClassBytes.
constexpr std::size_t class_of_bytes(std::size_t bytes) {
  return bytes <= kTableBytes ? class_of_table(bytes) : class_above_table(bytes);
}

// The smallest class that holds `bytes` at multiples of `alignment`; 0 when there is none.
constexpr std::size_t class_of_aligned(std::size_t bytes, std::size_t alignment) {
  if (bytes > kLargestClassBytes) return 0;
  std::size_t size_class = class_of_bytes(bytes);
  while (size_class <= kClassesCount && bytes_of_class(size_class) % alignment != 0) ++size_class;
  return size_class <= kClassesCount ? size_class : 0;
}

// How a class is laid out in its slabs.
struct ClassShape {
  std::uint32_t bytes = 0;
  std::uint16_t slices = 0;
  std::uint16_t objects = 0;
  std::uint64_t reciprocal = 0;  // ceil(2^kReciprocalShift / bytes)
};

inline constexpr std::size_t kMostSlabSlices = 8;
inline constexpr std::size_t kFewestSlabObjects = 8;
inline constexpr unsigned kReciprocalShift = 40;

constexpr ClassShape make_class_shape(std::size_t size_class) {
  const std::size_t bytes = bytes_of_class(size_class);
  std::size_t best = 0;
  std::size_t best_waste_per_slice = SIZE_MAX;
  for (std::size_t slices = 1; slices <= kMostSlabSlices; ++slices) {
    if (slices * kSliceBytes / bytes < kFewestSlabObjects) continue;
    const std::size_t waste_per_slice = slices * kSliceBytes % bytes / slices;
    if (waste_per_slice < best_waste_per_slice) {
      best = slices;
      best_waste_per_slice = waste_per_slice;
    }
    if (waste_per_slice <= kSliceBytes / 64) break;
  }
  return {.bytes = static_cast<std::uint32_t>(bytes),
          .slices = static_cast<std::uint16_t>(best),
          .objects = static_cast<std::uint16_t>(best * kSliceBytes / bytes),
          .reciprocal = ((std::uint64_t{1} << kReciprocalShift) + bytes - 1) / bytes};
}

constexpr std::array<ClassShape, kClassesCount + 1> make_class_shapes() {
  std::array<ClassShape, kClassesCount + 1> shapes{};
  for (std::size_t c = 1; c <= kClassesCount; ++c) shapes[c] = make_class_shape(c);
  return shapes;
}

inline constexpr std::array<ClassShape, kClassesCount + 1> kClassShapes = make_class_shapes();

// The number of the object that contains the byte at `offset` of a slab. The reciprocal is exact
// for offsets inside the largest slab; size_classes_test tries every one.
constexpr std::size_t object_at(std::size_t size_class, std::size_t offset) {
  return offset * kClassShapes[size_class].reciprocal >> kReciprocalShift;
}

// Of a class, at most this share (in 1/1000) is lost to the smallest request it serves, beyond the
// 15 bytes of the alignment.
constexpr bool waste_is_bounded() {
  for (std::size_t c = 2; c <= kClassesCount; ++c) {
    const std::size_t bound = c <= kLastEighthClass ? 112 : 200;
    const std::size_t step = bytes_of_class(c) - bytes_of_class(c - 1);
    if (step > kMinimumAlignment && step * 1000 > bytes_of_class(c) * bound) return false;
  }
  return true;
}

constexpr bool slabs_are_filled() {
  for (std::size_t c = 1; c <= kClassesCount; ++c) {
    const ClassShape shape = kClassShapes[c];
    const std::size_t slab_bytes = shape.slices * kSliceBytes;
    if (shape.slices == 0 || shape.objects < kFewestSlabObjects) return false;
    if (slab_bytes - std::size_t{shape.objects} * shape.bytes > slab_bytes / 16) return false;
  }
  return true;
}

static_assert(bytes_of_class(kLastFineClass) == kFineBytes);
static_assert(bytes_of_class(kLastEighthClass) == kTableBytes);
static_assert(bytes_of_class(kClassesCount) == kLargestClassBytes);
static_assert(waste_is_bounded());
static_assert(slabs_are_filled());

}  // namespace refmalloc

// A run: neighbouring slices that are used together or free together.
//
//   start ─▶ │ slice │ slice │ … │ slice │        slices of them
//
// Invariants: the record never changes its arena; a free run is known to the page map by its first
// and its last slice, a used one by whoever uses it (a slab by all its slices, a medium object by
// its first).
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocators/reference/geometry.h"
#include "allocators/reference/page_map.h"
#include "allocators/reference/size_classes.h"

namespace refmalloc {

enum class RunState : std::uint8_t {
  kFree,
  kUsed,  // handed out, or on its way to the operating system
};

struct alignas(kTags) Run {
  char* start = nullptr;
  std::size_t slices = 0;
  Run* bin_previous = nullptr;  // runs of similar length
  Run* bin_next = nullptr;
  Run* older = nullptr;  // free runs with dirty slices in the order they were freed
  Run* newer = nullptr;
  std::uint32_t dirty_slices = 0;  // of a free run, by the page map
  std::uint8_t arena = 0;
  RunState state = RunState::kUsed;
  bool zeroed = false;  // used, and had no dirty slice when it was handed out

  [[nodiscard]] std::size_t bytes() const noexcept { return slices << kSliceShift; }
  [[nodiscard]] char* end() const noexcept { return start + bytes(); }
};
static_assert(sizeof(Run) == kTags);

// How the page map calls an object that has a run of so many slices.
constexpr std::size_t tag_of_run(std::size_t slices) {
  return slices <= kMostKeptRunSlices ? run_class_of(slices) : kMediumTag;
}
constexpr bool is_run_tag(std::size_t tag) {
  return tag == kMediumTag || is_run_class(tag);
}
static_assert(kLastRunClass < kFreedTag);

}  // namespace refmalloc

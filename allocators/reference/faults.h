// Says what a pointer is that a call had to refuse, as far as can be known, and ends the process.
//
//   in a slab      the start of an object: it was freed; else inside an object, or behind the last
//   looking back   the nearest entry before it may be of an object, or of free memory, around it
//   a freed mark   an object began in this slice, or a slab lay there, and nothing has since
//   none of these  never allocated here
//
// The process is at its end, so nothing is locked: records are type-stable and may be read late.
#pragma once

namespace refmalloc {

// A function of the interface, and what it is to call it with an object that was freed.
struct Call {
  const char* name;
  const char* with_freed_object;
};

inline constexpr Call kFreeCall = {"free", "double free"};
inline constexpr Call kReallocCall = {"realloc", "realloc of a freed object"};
inline constexpr Call kUsableSizeCall = {"malloc_usable_size",
                                         "malloc_usable_size of a freed object"};

// Precondition: the pointer is no live object.
[[noreturn]] void abort_over_pointer(const Call& call, const void* pointer) noexcept;

}  // namespace refmalloc

// The harness's own memory, apart from the heap under test.
//
// The worker's operators new and delete are defined over this arena, so that tables, JSON, strings
// and Google Benchmark never meet the allocator that is measured. Blocks come from chunks mapped by
// raw system calls (an allocator may interpose mmap) and are kept in one free list per power of
// two:
//
//     block:  | size class (16 bytes) | payload, 16-byte aligned ... |
//
// Thread rule: every function may be called from any thread; one spin lock guards the lists.
#pragma once

#include <cstddef>

#include "bench/core/units.h"

namespace heapwise {

/// Storage of at least `size` bytes aligned to `alignment` (a power of two), or nullptr when the
/// system refuses more memory.
void* harness_allocate(std::size_t size, std::size_t alignment = 16) noexcept;

/// Gives a block back to its list; nullptr is allowed.
void harness_release(void* block) noexcept;

/// All memory mapped for the harness so far.
Bytes harness_mapped_bytes() noexcept;

}  // namespace heapwise

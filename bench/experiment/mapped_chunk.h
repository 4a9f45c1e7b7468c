// Whether a block has a mapping of its own, seen from outside of whatever allocator gave it: the
// process's address space grows by the block, elsewhere than at the brk heap's end, and shrinks by
// as much when the block is freed. An allocator that keeps freed mappings for later shows none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/experiment/report.h"

namespace heapwise {

/// A block and what its malloc did to the process.
struct NewBlock {
  void* address = nullptr;  // nullptr: malloc gave none
  std::size_t size_bytes = 0;
  std::int64_t brk_growth_bytes = 0;
  std::int64_t mapped_growth_bytes = 0;  // of the address space, without the brk heap's part

  bool came_from_brk() const { return address != nullptr && brk_growth_bytes > 0; }
  /// By a mapping for it, or by one that is meant for more than it.
  bool came_mapped() const {
    return address != nullptr && mapped_growth_bytes >= static_cast<std::int64_t>(size_bytes);
  }
};

/// malloc(size_bytes), with a look at the process before and after.
NewBlock allocate_block(std::size_t size_bytes);

/// Frees it; whether at least its bytes left the address space elsewhere than at the heap's end.
bool free_unmaps(const NewBlock& block);

/// The first size from which on blocks have mappings of their own.
struct MappingBoundary {
  std::size_t largest_other_bytes = 0;    // the last size without one; 0: the smallest has one
  std::size_t smallest_mapped_bytes = 0;  // 0: there is none up to the highest size tried
};

/// Found by doubling and then halving; each size is tried in a fork of the process as it is, so
/// that what free does to the allocator's thresholds does not carry over. Of `blocks_in_a_row` the
/// last counts: those before it use up what free memory the allocator has at hand.
MappingBoundary find_mapping_boundary(Report& report, std::size_t highest_bytes,
                                      int blocks_in_a_row = 1);

}  // namespace heapwise

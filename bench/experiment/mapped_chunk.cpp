#include "bench/experiment/mapped_chunk.h"

#include <stdlib.h>

#include "bench/experiment/bisection.h"
#include "bench/experiment/in_fork.h"

namespace heapwise {
namespace {

/// Leaves changed thresholds and, of all but the last block, the memory behind: only for a fork.
bool last_has_own_mapping(std::size_t size_bytes, int blocks_in_a_row) {
  for (int i = 1; i < blocks_in_a_row; ++i) malloc(size_bytes);
  const NewBlock block = allocate_block(size_bytes);
  const bool came_mapped = block.came_mapped();
  return free_unmaps(block) && came_mapped;
}

}  // namespace

NewBlock allocate_block(std::size_t size_bytes) {
  const ProcessState before = read_process_state();
  void* const address = malloc(size_bytes);
  const ProcessState after = read_process_state();
  const std::int64_t brk_growth = after.brk - before.brk;
  return {.address = address,
          .size_bytes = size_bytes,
          .brk_growth_bytes = brk_growth,
          .mapped_growth_bytes = after.vsz_bytes - before.vsz_bytes - brk_growth};
}

bool free_unmaps(const NewBlock& block) {
  const ProcessState before = read_process_state();
  free(block.address);
  const ProcessState after = read_process_state();
  const std::int64_t unmapped = before.vsz_bytes - after.vsz_bytes - (before.brk - after.brk);
  return unmapped >= static_cast<std::int64_t>(block.size_bytes);
}

MappingBoundary find_mapping_boundary(Report& report, std::size_t highest_bytes,
                                      int blocks_in_a_row) {
  const auto is_other = [&](std::size_t size_bytes) {
    return !in_fork<bool>(report,
                          [&] { return last_has_own_mapping(size_bytes, blocks_in_a_row); });
  };
  std::size_t other = 0;
  std::size_t tried = 1;
  while (is_other(tried)) {
    other = tried;
    if (tried == highest_bytes) return {.largest_other_bytes = other};
    tried = tried < highest_bytes / 2 ? tried * 2 : highest_bytes;
  }
  if (other == 0) return {.smallest_mapped_bytes = tried};
  const std::size_t largest_other = last_true(other, tried, is_other);
  return {.largest_other_bytes = largest_other, .smallest_mapped_bytes = largest_other + 1};
}

}  // namespace heapwise

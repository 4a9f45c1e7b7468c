// The plan of a campaign: its groups and its seed. The order in which everything runs follows from
// these two alone, so that a campaign that was stopped goes on exactly where it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/run/cell.h"

namespace heapwise {

struct Plan {
  std::uint64_t seed = 0;
  std::vector<Group> groups;

  std::size_t blocks_count() const;
  std::size_t runs_count() const;
};

struct BlockRef {
  std::size_t group = 0;
  unsigned block = 0;
  bool operator==(const BlockRef&) const = default;
};

/// All blocks in the order they run: first the first block of every group, the groups shuffled,
/// then the second ones. A campaign that ends early has thus measured everything a little.
std::vector<BlockRef> block_order(const Plan& plan);

/// The group's allocators in the random order of this block.
std::vector<std::string> allocator_order(const Plan& plan, BlockRef ref);

/// The seed of the workload's random stream: the same for all runs of a block, so that its
/// allocators are asked for the same objects.
std::uint64_t workload_seed(const Plan& plan, BlockRef ref);

/// Length of the environment variable that shifts the stack of this run, in [0, 4095].
std::size_t environment_padding(const Plan& plan, BlockRef ref, std::size_t order);

/// Throws UsageError when the plan could not be read back: two groups of one cell and pass that
/// share an allocator, a group without blocks or allocators, a baseline that does not run, a
/// lockstep of other than two single-threaded runs.
void validate(const Plan& plan);

}  // namespace heapwise

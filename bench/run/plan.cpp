#include "bench/run/plan.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <tuple>

#include "bench/core/random.h"
#include "bench/core/spec.h"

namespace heapwise {
namespace {

/// What a random stream is for; two purposes never share one.
enum class StreamUse : std::uint64_t { kGroups = 1, kAllocators, kWorkload, kPadding };

Random stream(const Plan& plan, StreamUse use, std::initializer_list<std::uint64_t> where) {
  std::uint64_t state = SplitMix64(plan.seed).next() ^ static_cast<std::uint64_t>(use);
  for (const auto number : where) state = SplitMix64(state).next() ^ number;
  return Random(state);
}

}  // namespace

std::size_t Plan::blocks_count() const {
  std::size_t count = 0;
  for (const auto& group : groups) count += group.blocks;
  return count;
}

std::size_t Plan::runs_count() const {
  std::size_t count = 0;
  for (const auto& group : groups) count += group.blocks * group.allocators.size();
  return count;
}

std::vector<BlockRef> block_order(const Plan& plan) {
  std::vector<BlockRef> order;
  for (unsigned round = 0;; ++round) {
    std::vector<BlockRef> blocks;
    for (std::size_t group = 0; group < plan.groups.size(); ++group) {
      if (plan.groups[group].blocks > round) blocks.push_back({group, round});
    }
    if (blocks.empty()) return order;
    auto random = stream(plan, StreamUse::kGroups, {round});
    shuffle(blocks, random);
    order.insert(order.end(), blocks.begin(), blocks.end());
  }
}

std::vector<std::string> allocator_order(const Plan& plan, BlockRef ref) {
  auto allocators = plan.groups[ref.group].allocators;
  auto random = stream(plan, StreamUse::kAllocators, {ref.group, ref.block});
  shuffle(allocators, random);
  return allocators;
}

std::uint64_t workload_seed(const Plan& plan, BlockRef ref) {
  return stream(plan, StreamUse::kWorkload, {ref.group, ref.block}).next();
}

std::size_t environment_padding(const Plan& plan, BlockRef ref, std::size_t order) {
  constexpr std::uint64_t kLengths = 4096;
  auto random = stream(plan, StreamUse::kPadding, {ref.group, ref.block, order});
  return static_cast<std::size_t>(random.below(kLengths));
}

void validate(const Plan& plan) {
  std::set<std::tuple<std::string, std::string, unsigned, std::string, std::string>> seen;
  for (const auto& group : plan.groups) {
    const auto where = "the group " + group.title() + " (" + group.pass + ")";
    if (group.blocks == 0) throw UsageError(where + " has no blocks; give it at least 1");
    if (std::ranges::count(group.allocators, group.baseline) == 0) {
      throw UsageError(where + " does not run its baseline '" + group.baseline +
                       "'; name it among the allocators");
    }
    if (group.slicing && (group.allocators.size() != 2 || group.threads != 1)) {
      throw UsageError(where + " cannot run in lockstep: that takes two allocators and one thread");
    }
    for (const auto& allocator : group.allocators) {
      if (!seen.emplace(group.workload, group.parameters.dump(), group.threads, group.pass,
                        allocator)
               .second) {
        throw UsageError(where + " runs '" + allocator +
                         "' twice; name each allocator and workload once");
      }
    }
  }
}

}  // namespace heapwise

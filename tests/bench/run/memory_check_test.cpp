#include "bench/run/memory_check.h"

#include <gtest/gtest.h>

#include "bench/core/spec.h"
#include "bench/run/groups.h"

namespace heapwise {
namespace {

Plan plan_of(const std::string& workload) {
  Plan plan;
  plan.groups = make_groups(
      find_profile("smoke"),
      {.allocators = {parse_spec("glibc")}, .workloads = {parse_spec(workload)}, .passes = {}});
  return plan;
}

// Would catch: a campaign refused for want of memory that its limit would never let it take.
TEST(MemoryCheck, UnderALimitACellTakesNoMoreThanThat) {
  auto plan = plan_of("small_churn:live=100K");
  std::erase_if(plan.groups, [](const auto& group) { return !group.obeys_memory_limit(); });
  const auto all = largest_cell(plan).footprint;
  EXPECT_GT(all, kMiB);
  EXPECT_EQ(largest_cell(plan, kMiB).footprint, kMiB);
  EXPECT_EQ(largest_cell(plan, all + all).footprint, all);
  EXPECT_NO_THROW(require_memory(largest_cell(plan, kMiB), kMiB));
  EXPECT_THROW(require_memory(largest_cell(plan), kMiB), UsageError);
}

// Would catch: a machine filled by the null allocator, which runs without the limit.
TEST(MemoryCheck, TheNullAllocatorsCellsCountWhole) {
  const auto plan = plan_of("small_churn:live=100K");
  EXPECT_EQ(largest_cell(plan, kMiB).footprint, largest_cell(plan).footprint);
}

}  // namespace
}  // namespace heapwise

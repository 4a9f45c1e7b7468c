// The workload huge_footprint.
#include <gtest/gtest.h>

#include "tests/workloads/workload_instance.h"

namespace heapwise {
namespace {

struct LiveBytes {
  double small = 0;  // in objects of at most 1K
  double large = 0;
  std::uint64_t small_count = 0;
};

LiveBytes live_bytes_of(const Workload& workload) {
  LiveBytes live;
  workload.visit_live([&](void*, std::size_t size) {
    (size <= 1024 ? live.small : live.large) += static_cast<double>(size);
    live.small_count += size <= 1024 ? 1 : 0;
  });
  return live;
}

// Would catch: a footprint of another size than was asked for, and one whose bytes are nearly all
// in large objects, with no metadata to speak of.
TEST(HugeFootprint, HalfOfTheBytesAreInSmallObjects) {
  WorkloadInstance instance(parse_spec("huge_footprint:live=64M"));
  instance.workload().warm_up();
  const auto live = live_bytes_of(instance.workload());
  const double wanted = 64 << 20;
  EXPECT_NEAR((live.small + live.large) / wanted, 1.0, 0.2);
  EXPECT_NEAR(live.small / wanted, 0.5, 0.05);
  EXPECT_GT(live.small_count, 100'000U);
}

// Would catch: a share that is not the one asked for, a division by no objects.
TEST(HugeFootprint, TheShareOfSmallObjectsIsTheParameters) {
  WorkloadInstance small(parse_spec("huge_footprint:live=16M,small=100"));
  small.workload().warm_up();
  EXPECT_EQ(live_bytes_of(small.workload()).large, 0);
  WorkloadInstance large(parse_spec("huge_footprint:live=16M,small=0"));
  large.workload().warm_up();
  EXPECT_EQ(live_bytes_of(large.workload()).small, 0);
}

// Would catch: replacing that turns large objects into small ones, or the other way round.
TEST(HugeFootprint, ReplacingKeepsTheShares) {
  WorkloadInstance instance(parse_spec("huge_footprint:live=16M"));
  instance.workload().warm_up();
  const auto before = live_bytes_of(instance.workload());
  instance.run_batches(8);
  const auto after = live_bytes_of(instance.workload());
  EXPECT_EQ(after.small_count, before.small_count);
  EXPECT_NEAR(after.small / before.small, 1.0, 0.02);
}

// Would catch: a footprint so large that a machine is refused a cell that it could hold.
TEST(HugeFootprint, TheFootprintIsNotFarAboveTheLiveBytes) {
  const auto* workload = find_workload("huge_footprint");
  const auto parameters = resolve_parameters(parse_spec("huge_footprint:live=4G"));
  const double footprint = static_cast<double>(workload->footprint(parameters).value);
  EXPECT_GT(footprint, 4.0 * (1 << 30));
  EXPECT_LT(footprint, 4.5 * (1 << 30));
}

}  // namespace
}  // namespace heapwise

// What the workloads that stand for services do besides what every workload does.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/workloads/workload_instance.h"

namespace heapwise {
namespace {

// Would catch: a pool whose threads are all busy at once, so that the live set is not small.
TEST(ArenaRatchet, OnlyTheActiveThreadHoldsBuffers) {
  WorkloadInstance instance(parse_spec("arena_ratchet:threads=8,active=1,buffers=100,size=1K"));
  std::atomic<bool> is_running{true};
  std::size_t most = 0;
  std::thread watch([&] {
    while (is_running) most = std::max(most, instance.shadow().live_count());
  });
  instance.run_batches(10);
  is_running = false;
  watch.join();
  EXPECT_LE(most, 100U);
}

// Would catch: a thread that has no turn, whose arena is never used, or a buffer of another size.
TEST(ArenaRatchet, EachThreadFillsABufferOfThatSizeInTurn) {
  WorkloadInstance instance(parse_spec("arena_ratchet:threads=7,active=3,size=100K"));
  instance.run_batches(2);
  EXPECT_EQ(instance.workload().demand().requested_bytes, 2U * 7 * (100 << 10));
  EXPECT_EQ(instance.workload().progress().operations_count, 2U * 7);
}

// Would catch: several buffers of one size, which fit into each other's places.
TEST(ArenaRatchet, SeveralBuffersAreOfDifferentSizesUpToTheLargest) {
  WorkloadInstance instance(parse_spec("arena_ratchet:threads=2,buffers=50,size=80K"));
  instance.workload().prepare_batch();
  const auto average = instance.workload().demand().requested_bytes / (2 * 50);
  EXPECT_GT(average, 20U << 10);  // log-uniform from 10K to 80K: 34K
  EXPECT_LT(average, 50U << 10);
}

}  // namespace
}  // namespace heapwise

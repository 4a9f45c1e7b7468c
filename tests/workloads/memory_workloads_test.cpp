// The workloads of the family memory, each in what it promises beyond what every workload does.
#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "tests/workloads/workload_instance.h"
#include "workloads/byte_bounded_set.h"

namespace heapwise {
namespace {

/// Live objects by size.
std::map<std::size_t, std::size_t> live_sizes(const Workload& workload) {
  std::map<std::size_t, std::size_t> counts;
  workload.visit_live([&](void*, std::size_t size) { ++counts[size]; });
  return counts;
}

std::uint64_t live_between(const Workload& workload, std::size_t low, std::size_t high) {
  std::uint64_t bytes = 0;
  workload.visit_live(
      [&](void*, std::size_t size) { bytes += size >= low && size <= high ? size : 0; });
  return bytes;
}

class AByteBoundedSet : public testing::Test {
 protected:
  ByteBoundedSet<CheckedHeap> make(std::uint64_t bytes, std::size_t objects) {
    return {{.bytes = bytes, .objects = objects, .steps = 64}, heap_};
  }

  Random random_{7};
  ShadowHeap shadow_;
  CheckedHeap heap_{shadow_};
};

// Would catch: a bound that is passed, or one that empties the set for a single object.
TEST_F(AByteBoundedSet, FreesAsMuchAsAnObjectNeedsAndNoMore) {
  auto set = make(100, 16);
  for (int i = 0; i < 10; ++i) set.plan_object(10, random_);
  set.age();
  set.plan_object(25, random_);
  set.run();
  EXPECT_EQ(set.live_bytes(), 95U);
  EXPECT_EQ(shadow_.live_count(), 8U);
  EXPECT_EQ(set.demand().heap_calls_count, 11U + 3U);
  set.plan_drain();
  set.run();
  EXPECT_EQ(shadow_.live_count(), 0U);
}

// Would catch: a table that is written beyond its end by a run of very small objects.
TEST_F(AByteBoundedSet, FreesOneWhenItsSlotsAreUsedUpBeforeItsBytes) {
  auto set = make(1'000, 4);
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(set.has_slot());
    set.plan_object(1, random_);
    set.age();
  }
  set.run();
  EXPECT_EQ(shadow_.live_count(), 4U);
  set.plan_drain();
  set.run();
}

// Would catch: a phase that frees what it has just made.
TEST_F(AByteBoundedSet, PushesOutOldObjectsOnly) {
  auto set = make(100, 16);
  for (int i = 0; i < 5; ++i) set.plan_object(20, random_);
  set.age();
  for (int i = 0; i < 10; ++i) set.plan_object(10, random_);
  set.run();
  std::size_t fresh = 0;
  set.visit([&](void* object, std::size_t size) {
    shadow_.inspect(object);
    fresh += size == 10 ? 1 : 0;
  });
  EXPECT_EQ(fresh, 10U);
  EXPECT_EQ(shadow_.live_count(), 10U);
  set.plan_drain();
  set.run();
}

// Would catch: victims drawn from a part of the set, so that the rest never dies.
TEST_F(AByteBoundedSet, PushesOutEveryOldObjectInTheEnd) {
  auto set = make(1'000, 64);
  for (int i = 0; i < 50; ++i) set.plan_object(20, random_);
  set.run();
  for (int i = 0; i < 1'000; ++i) {
    set.age();
    set.plan_object(25, random_);
    set.run();
  }
  set.visit([](void*, std::size_t size) { EXPECT_EQ(size, 25U); });
  EXPECT_EQ(shadow_.live_count(), 40U);
  set.plan_drain();
  set.run();
}

// Would catch: bytes that only approach the bound from far below, or small objects that crowd out
// the large ones.
TEST(FragmentationPlateau, TheBytesStayAtTheBoundAndTheMixAsDrawn) {
  constexpr std::uint64_t kLive = 1 << 20;
  constexpr std::uint64_t kLargest = 8 << 10;
  WorkloadInstance instance(parse_spec("fragmentation_plateau:live=1M,max=8K"));
  auto& workload = instance.workload();
  workload.warm_up();
  for (int i = 0; i < 8; ++i) {
    instance.run_batches(1);
    EXPECT_LE(workload.progress().live_bytes, kLive);
    EXPECT_GT(workload.progress().live_bytes, kLive - kLargest);
  }
  // Log-uniform sizes: the upper half of the bytes is in the upper doubling.
  const auto large = static_cast<double>(live_between(workload, kLargest / 2, kLargest));
  EXPECT_NEAR(large / kLive, 0.5, 0.12);
  workload.drain();
}

// Would catch: a rung left out, survivors of another number, a ladder that keeps those of the last.
TEST(FragmentationLadder, ATenthOfEachRungIsLeftAtTheEnd) {
  WorkloadInstance instance(parse_spec("fragmentation_ladder:round=1200K"));
  auto& workload = instance.workload();
  for (int i = 0; i < 2; ++i) {
    instance.run_batches(1);
    const std::map<std::size_t, std::size_t> expected{
        {64, 1920}, {768, 160}, {9216, 13}, {110592, 1}};
    EXPECT_EQ(live_sizes(workload), expected);
  }
  workload.drain();
}

// Would catch: a share of survivors that is met for round numbers only.
TEST(FragmentationLadder, AnyShareOfARungSurvives) {
  const auto survivors = [](const char* spec) {
    WorkloadInstance instance(parse_spec(spec));
    instance.run_batches(1);
    const auto of_first_rung = live_sizes(instance.workload()).at(64);
    instance.workload().drain();
    return of_first_rung;
  };
  // of 1024 objects
  EXPECT_EQ(survivors("fragmentation_ladder:round=64K,largest=768,survivors=2"), 20U);
  EXPECT_EQ(survivors("fragmentation_ladder:round=64K,largest=768,survivors=33"), 337U);
  EXPECT_EQ(survivors("fragmentation_ladder:round=64K,largest=768,survivors=100"), 1024U);
}

// Would catch: holes measured with the buffers still there, pins that are lost, a refill that is
// not the share it should be.
TEST(PinnedHoles, PinsAndRefillAreAllThatIsLeftOfARound) {
  WorkloadInstance instance(
      parse_spec("pinned_holes:buffers=2M,min=32K,max=32K,pin=48,object=1000,refill=25"));
  auto& workload = instance.workload();
  for (int i = 0; i < 2; ++i) {
    instance.run_batches(1);
    const std::map<std::size_t, std::size_t> expected{{48, 64}, {1000, 524}};
    EXPECT_EQ(live_sizes(workload), expected);
  }
  workload.drain();
}

// Would catch: buffers of another number of bytes than were asked for.
TEST(PinnedHoles, ARoundAsksForTheBuffersBytesExactly) {
  WorkloadInstance instance(parse_spec("pinned_holes:buffers=3M,refill=0"));
  auto& workload = instance.workload();
  workload.prepare_batch();
  workload.run_batch();
  const auto pins = instance.shadow().live_count();
  EXPECT_GT(pins, 3U * 1024 / 96);
  EXPECT_EQ(workload.demand().requested_bytes, (3U << 20) + pins * 32);
  EXPECT_EQ(workload.demand().heap_calls_count, 3 * pins);
  workload.drain();
}

// Would catch: a phase with the sizes of another, one that keeps everything or nothing.
TEST(PhaseShift, APhaseFillsItsOwnBandAndLeavesTheOverlap) {
  constexpr double kLive = 1 << 20;
  const std::vector<std::pair<std::size_t, std::size_t>> bands{
      {16, 128}, {128, 1024}, {1024, 8192}};
  WorkloadInstance instance(parse_spec("phase_shift:live=1M,max=8K,overlap=20"));
  auto& workload = instance.workload();
  workload.warm_up();
  EXPECT_NEAR(static_cast<double>(live_between(workload, 16, 128)), kLive, 128);
  for (std::size_t phase = 1; phase < 7; ++phase) {
    instance.run_batches(1);
    const auto [low, high] = bands[phase % 3];
    EXPECT_NEAR(static_cast<double>(live_between(workload, low, high)), 0.8 * kLive, 0.05 * kLive);
    EXPECT_NEAR(static_cast<double>(workload.progress().live_bytes), kLive, 8192);
  }
  workload.drain();
}

}  // namespace
}  // namespace heapwise

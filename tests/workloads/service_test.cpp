// What the workloads that stand for services do besides what every workload does.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/workloads/workload_instance.h"

namespace heapwise {
namespace {

// Would catch: a pool whose threads are all busy at once, so that the live set is not small.
TEST(ArenaRatchet, OnlyTheActiveThreadsHoldBuffers) {
  // So large that to fill one takes much longer than a look.
  const auto parameters =
      resolve_parameters(parse_spec("arena_ratchet:threads=8,active=2,size=40M"));
  std::vector<PlainHeap> heaps(8);
  Threads threads(8);
  const auto workload = find_workload("arena_ratchet")
                            ->make_plain(parameters, {.heaps = heaps,
                                                      .random = Random(5),
                                                      .threads = &threads,
                                                      .tracks_live_bytes = true});
  std::atomic<bool> is_running{true};
  std::uint64_t most = 0;
  std::thread watch([&] {
    while (is_running) {
      const auto progress = workload->progress();
      const bool is_of_one_moment =
          workload->progress().operations_count == progress.operations_count;
      if (is_of_one_moment) most = std::max(most, progress.live_bytes);
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  workload->prepare_batch();
  workload->run_batch();
  is_running = false;
  watch.join();
  EXPECT_LE(most, 2U * (40 << 20));
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

constexpr std::uint64_t kAnswers = 1'021;

// Would catch: objects that are lost, or evicted too early, when threads meet in the exchange.
TEST(MixedService, TheNumberOfLiveObjectsIsTheSameBetweenAllBatches) {
  WorkloadInstance instance(
      parse_spec("mixed_service:threads=3,sessions=20,cache=30"
                 ",operations=900"));
  auto& workload = instance.workload();
  workload.warm_up();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(instance.shadow().live_count(), 3 * (20 + 30) + kAnswers);
    instance.run_batches(1);
  }
  workload.drain();
}

// Would catch: a live set that depends on which thread came first.
TEST(MixedService, TheSameSeedLeavesTheSameBytesHoweverThreadsRace) {
  const auto live_bytes = [] {
    WorkloadInstance instance(
        parse_spec("mixed_service:threads=4,sessions=20,cache=20"
                   ",operations=2000"));
    instance.workload().warm_up();
    instance.run_batches(1);
    const auto bytes = instance.workload().progress().live_bytes;
    instance.workload().drain();
    return bytes;
  };
  const auto first = live_bytes();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(live_bytes(), first);
}

// Would catch: a schedule that changes what is asked of the heap.
TEST(MixedService, AnOpenAndAClosedLoopAskForTheSame) {
  const auto spec = parse_spec("mixed_service:sessions=20,cache=20,operations=200");
  WorkloadInstance open(spec, 5);
  WorkloadInstance closed(spec, 5, WorkloadInstance::Loop::kClosed);
  for (auto* instance : {&open, &closed}) {
    instance->workload().warm_up();
    instance->run_batches(2);
    instance->workload().drain();
  }
  EXPECT_EQ(open.workload().demand().requested_bytes, closed.workload().demand().requested_bytes);
  EXPECT_EQ(open.workload().demand().heap_calls_count, closed.workload().demand().heap_calls_count);
}

// Would catch: the rate of all taken for that of each thread; a warm-up on the schedule.
TEST(MixedService, RequestsArriveAtTheRateOfAllThreadsTogether) {
  WorkloadInstance instance(
      parse_spec("mixed_service:threads=2,sessions=1,cache=1,rate=10000"
                 ",operations=4000"));
  instance.workload().warm_up();
  instance.run_batches(1);
  constexpr double kExpectedNs = 2'000 * 1e9 / 5'000;
  for (const auto& pacer : instance.pacers()) {
    EXPECT_EQ(pacer.answered_count(), 2'000U);
    EXPECT_NEAR(static_cast<double>(pacer.last_due().value), kExpectedNs, 0.1 * kExpectedNs);
  }
  instance.workload().drain();
}

// Would catch: requests of another make than the file says.
TEST(MixedService, ARequestMakesSomeTwentyObjectsAndAnAnswer) {
  const auto of_a_request = [](const char* spec) {
    WorkloadInstance instance(parse_spec(spec));
    instance.workload().prepare_batch();
    const auto demand = instance.workload().demand();
    return std::pair(
        static_cast<double>(demand.heap_calls_count) / static_cast<double>(demand.operations_count),
        static_cast<double>(demand.requested_bytes) / static_cast<double>(demand.operations_count));
  };
  const auto [calls, bytes] = of_a_request("mixed_service:large=0,operations=4084");
  EXPECT_NEAR(calls, 2 * (20 + 1), 1.0);
  // Means of the log-uniform sizes: 143 (18.75 of them), 9.2K (1.25), an answer of 3.9K.
  EXPECT_NEAR(bytes, 18'000, 2'000);
  const auto [calls_of_large, bytes_of_large] =
      of_a_request("mixed_service:large=1024,operations=4084");
  EXPECT_NEAR(calls_of_large, 2 * (20 + 1 + 1), 1.0);
  EXPECT_NEAR(bytes_of_large - bytes, 354'000, 40'000);
}

}  // namespace
}  // namespace heapwise

// Workloads whose threads or tasks come and go.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <vector>

#include "tests/workloads/workload_instance.h"

namespace {

std::atomic<std::uint64_t> threads_started{0};

}  // namespace

// A sanitizer has one of its own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HEAPWISE_COUNTS_THREADS
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) noexcept {
  static const auto next =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  ++threads_started;
  return next(thread, attributes, body, argument);
}
#endif

namespace heapwise {
namespace {

std::uint64_t threads_started_by_a_batch(const char* spec) {
  WorkloadInstance instance(parse_spec(spec));
  instance.workload().warm_up();
  const std::uint64_t before = threads_started;
  instance.run_batches(1);
  const std::uint64_t started = threads_started - before;
  instance.workload().drain();
  return started;
}

// Would catch: a hand-over to a thread that is still the same one, or a task without a thread.
TEST(ServerThreads, StartAsOftenAsTheirWorkloadSays) {
#ifndef HEAPWISE_COUNTS_THREADS
  GTEST_SKIP() << "the sanitizer starts the threads";
#endif
  EXPECT_EQ(threads_started_by_a_batch("larson:threads=2,live=10,rounds=5,operations=1000"),
            2U * (500 / 50));
  EXPECT_EQ(threads_started_by_a_batch("larson:threads=1,live=10,rounds=1000,operations=500"), 1U);
  EXPECT_EQ(threads_started_by_a_batch("thread_churn:threads=3,lifetime=2,operations=30"), 30U);
  EXPECT_EQ(threads_started_by_a_batch("thread_churn:threads=1,lifetime=2,operations=7"), 7U);
  EXPECT_EQ(threads_started_by_a_batch("migrating_stress:operations=1000"), 0U);
}

// Would catch: a live set that a new thread does not find whole, or that grows with each thread.
TEST(Larson, EverySlotHoldsItsObjectsBeforeAndAfterEachRowOfThreads) {
  WorkloadInstance instance(parse_spec("larson:threads=3,live=70,rounds=2,operations=1260"));
  instance.workload().warm_up();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(instance.shadow().live_count(), 3U * 70);
    instance.run_batches(1);
  }
  instance.workload().drain();
}

// Would catch: sizes of another range, or drawn with another distribution than said.
TEST(Larson, SizesAreUniformBetweenTheirBounds) {
  WorkloadInstance instance(parse_spec("larson:threads=1,live=10000,min=10,max=500,operations=1"));
  instance.workload().warm_up();
  std::vector<std::size_t> sizes;
  instance.workload().visit_live([&](void*, std::size_t size) { sizes.push_back(size); });
  std::sort(sizes.begin(), sizes.end());
  EXPECT_GE(sizes.front(), 10U);
  EXPECT_LE(sizes.back(), 500U);
  for (const double share : {0.1, 0.5, 0.9}) {
    const auto quantile = static_cast<double>(sizes[static_cast<std::size_t>(share * 10'000)]);
    EXPECT_NEAR(quantile, 10 + share * 490, 15);
  }
  instance.workload().drain();
}

// Would catch: survivors that are freed too early, too late or never, whoever frees them.
TEST(ThreadChurn, WhatATaskLeavesLivesForAsManyTasksAsSaid) {
  for (const char* freed_by : {"task", "driver"}) {
    WorkloadInstance instance(
        parse_spec(std::string("thread_churn:threads=1,objects=1,survive=100,lifetime=3,"
                               "operations=1,freed_by=") +
                   freed_by));
    auto& workload = instance.workload();
    workload.warm_up();
    std::deque<std::uint64_t> last_sizes;
    for (int task = 0; task < 10; ++task) {
      const auto before = workload.demand();
      instance.run_batches(1);
      last_sizes.push_back((workload.demand() - before).requested_bytes);
      if (last_sizes.size() > 3) last_sizes.pop_front();
      if (task < 2) continue;  // what the warm-up left is still among them
      std::vector<std::uint64_t> live;
      workload.visit_live([&](void*, std::size_t size) { live.push_back(size); });
      EXPECT_TRUE(
          std::is_permutation(live.begin(), live.end(), last_sizes.begin(), last_sizes.end()));
    }
    workload.drain();
  }
}

// Would catch: a share of survivors that is rounded away, or taken of something else.
TEST(ThreadChurn, TheShareThatSurvivesIsTheOneAskedFor) {
  const auto live_count = [](const char* survive) {
    WorkloadInstance instance(parse_spec(
        std::string("thread_churn:threads=2,objects=50,lifetime=4,operations=2,survive=") +
        survive));
    instance.workload().warm_up();
    const auto count = instance.shadow().live_count();
    instance.workload().drain();
    return count;
  };
  EXPECT_EQ(live_count("0"), 0U);
  EXPECT_EQ(live_count("10"), 2U * 4 * 5);
  EXPECT_EQ(live_count("100"), 2U * 4 * 50);
}

// Would catch: a place of the table that an exchange leaves empty or fills twice.
TEST(MigratingStress, TheTableStaysFull) {
  WorkloadInstance instance(
      parse_spec("migrating_stress:threads=3,shared=50,own=20,stay=100,operations=9000"));
  instance.workload().warm_up();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(instance.shadow().live_count(), 50U + 3 * 20);
    instance.run_batches(1);
  }
  instance.workload().drain();
}

// Would catch: tasks that want the same sizes, whose moves no thread's caches would notice, or that
// put objects into each other's part of the table.
TEST(MigratingStress, TheOwnObjectsOfEachTaskHaveSizesOfItsOwn) {
  constexpr std::size_t kShared = 100;
  constexpr std::size_t kOwn = 200;
  WorkloadInstance instance(parse_spec(
      "migrating_stress:threads=3,shared=100,own=200,min=16,max=1024,stay=500,operations=9000"));
  instance.workload().warm_up();
  instance.run_batches(1);
  std::vector<std::size_t> sizes;  // in the order of the table
  instance.workload().visit_live([&](void*, std::size_t size) { sizes.push_back(size); });
  ASSERT_EQ(sizes.size(), kShared + 3 * kOwn);
  const auto [smallest, largest] = std::minmax_element(sizes.begin(), sizes.begin() + kShared);
  EXPECT_LT(*smallest, 32U);
  EXPECT_GT(*largest, 512U);
  for (std::size_t task = 0; task < 3; ++task) {
    for (std::size_t i = 0; i < kOwn; ++i) {
      const auto size = sizes[kShared + task * kOwn + i];
      EXPECT_GE(size, 16U << 2 * task);
      EXPECT_LE(size, 64U << 2 * task);
    }
  }
  instance.workload().drain();
}

/// Each thread has a shadow of its own, which knows nothing of what another thread made.
void warm_up_with_a_shadow_for_each_thread(const char* spec) {
  const auto* descriptor = find_workload(parse_spec(spec).name);
  const auto parameters = resolve_parameters(parse_spec(spec));
  const auto count = descriptor->threads(parameters);
  std::deque<ShadowHeap> shadows(count);
  std::vector<CheckedHeap> heaps;
  for (auto& shadow : shadows) heaps.emplace_back(shadow);
  Threads threads(count);
  descriptor
      ->make_checked(
          parameters,
          {.heaps = heaps, .random = Random(5), .threads = &threads, .tracks_live_bytes = true})
      ->warm_up();
}

// Would catch: tasks that stay on their threads, so that no object of theirs is ever freed
// elsewhere.
TEST(MigratingStressDeathTest, ATaskFreesOnAnotherThreadWhatItMade) {
  EXPECT_DEATH(warm_up_with_a_shadow_for_each_thread(
                   "migrating_stress:threads=2,shared=0,own=50,stay=100,operations=1000"),
               "used or freed but not live");
}

}  // namespace
}  // namespace heapwise

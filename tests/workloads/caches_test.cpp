#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <vector>

#include "tests/workloads/workload_instance.h"
#include "workloads/false_sharing.h"
#include "workloads/traversal.h"

namespace heapwise {
namespace {

/// The bare calls, and what was asked of them.
class RecordingHeap : public PlainHeap {
 public:
  void* allocate(std::size_t size) {
    requested_bytes += size;
    made_at.push_back(next_turn++);
    return made.emplace_back(PlainHeap::allocate(size));
  }
  void rewrite(void* object, std::size_t size) {
    ++writes;
    PlainHeap::rewrite(object, size);
  }
  void free(void* object) {
    freed.push_back(object);
    PlainHeap::free(object);
  }

  std::uint64_t calls() const { return made.size() + freed.size(); }

  static inline std::atomic<unsigned> next_turn{0};  // of all heaps

  std::vector<void*> made;
  std::vector<unsigned> made_at;  // which of all heaps' allocations each was
  std::vector<void*> freed;
  std::uint64_t writes = 0;
  std::uint64_t requested_bytes = 0;
};

/// Three threads with two objects each.
class FalseSharingCrew {
 public:
  static constexpr unsigned kThreads = 3;
  static constexpr std::size_t kObjects = 2;
  static constexpr std::size_t kIntroduced = 1;  // made and freed by each thread before all others

  explicit FalseSharingCrew(FirstObjects first, std::uint64_t apart = 0)
      : threads_(kThreads),
        workload_({Parameters{{"threads", kThreads},
                              {"size", 16},
                              {"apart", apart},
                              {"objects", kObjects},
                              {"writes", 7},
                              {"operations", 600}},
                   first},
                  {.heaps = heaps,
                   .random = Random(5),
                   .threads = &threads_,
                   .tracks_live_bytes = true}) {}

  FalseSharing<RecordingHeap>& workload() { return workload_; }

  /// What lived first, in the order in which it was made.
  std::vector<void*> first_objects(FirstObjects first) const {
    std::vector<void*> objects;
    for (std::size_t i = 0; i < kObjects * kThreads; ++i) {
      objects.push_back(first == FirstObjects::kHandedOut
                            ? heaps[0].made[kIntroduced + i]
                            : heaps[i % kThreads].made[kIntroduced + i / kThreads]);
    }
    return objects;
  }

  std::array<RecordingHeap, kThreads> heaps;

 private:
  Threads threads_;
  FalseSharing<RecordingHeap> workload_;
};

class EveryFalseSharing : public testing::TestWithParam<FirstObjects> {};

// Would catch: a benchmark of writes that are not done, as known ones were when compiled.
TEST_P(EveryFalseSharing, EveryObjectIsWrittenAsOftenAsAsked) {
  FalseSharingCrew crew(GetParam());
  crew.workload().warm_up();
  std::array<std::uint64_t, FalseSharingCrew::kThreads> before{};
  for (std::size_t i = 0; i < before.size(); ++i) before[i] = crew.heaps[i].writes;
  crew.workload().prepare_batch();
  crew.workload().run_batch();
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(crew.heaps[i].writes - before[i], 7U * 200) << "thread " << i;
  }
}

// Would catch: calls or bytes announced that are not asked for, the warm-up's included.
TEST_P(EveryFalseSharing, WhatIsAnnouncedIsAskedFor) {
  FalseSharingCrew crew(GetParam());
  crew.workload().warm_up();
  crew.workload().prepare_batch();
  crew.workload().run_batch();
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;
  for (const auto& heap : crew.heaps) {
    calls += heap.calls();
    bytes += heap.requested_bytes;
  }
  EXPECT_EQ(crew.workload().demand().heap_calls_count, calls);
  EXPECT_EQ(crew.workload().demand().requested_bytes, bytes);
}

// Would catch: sharing, or none, because all neighbours belong to one thread.
TEST_P(EveryFalseSharing, ObjectsMadeOneAfterTheOtherGoToDifferentThreads) {
  FalseSharingCrew crew(GetParam());
  crew.workload().warm_up();
  const auto first = crew.first_objects(GetParam());
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto& freed = crew.heaps[i % FalseSharingCrew::kThreads].freed;
    EXPECT_EQ(freed[FalseSharingCrew::kIntroduced + i / FalseSharingCrew::kThreads], first[i]) << i;
  }
}

// Would catch: threads that race for the first pieces, and so share a line in some runs only.
TEST(FalseSharing, ThreadsMakeTheirFirstObjectsInTurn) {
  FalseSharingCrew crew(FirstObjects::kOwn);
  crew.workload().warm_up();
  std::vector<unsigned> turns;
  for (std::size_t i = 0; i < FalseSharingCrew::kObjects; ++i) {
    for (const auto& heap : crew.heaps) {
      turns.push_back(heap.made_at[FalseSharingCrew::kIntroduced + i]);
    }
  }
  EXPECT_TRUE(std::is_sorted(turns.begin(), turns.end()));
}

// Would catch: a control in which lines are shared, too.
TEST_P(EveryFalseSharing, ObjectsApartBeginOnDifferentPairsOfLines) {
  FalseSharingCrew crew(GetParam(), 1);
  crew.workload().warm_up();
  const auto first = crew.first_objects(GetParam());
  std::set<std::uintptr_t> pairs;
  for (const void* object : first) {
    pairs.insert(reinterpret_cast<std::uintptr_t>(object) / kLinePairBytes);
  }
  EXPECT_EQ(pairs.size(), first.size());
}

INSTANTIATE_TEST_SUITE_P(FirstObjects, EveryFalseSharing,
                         testing::Values(FirstObjects::kOwn, FirstObjects::kHandedOut),
                         [](const auto& first) {
                           return first.param == FirstObjects::kOwn ? "Own" : "HandedOut";
                         });

// Would catch: a thread that frees for another where nothing changes hands, and a hand-out that
// gives nothing away.
TEST(FalseSharing, OnlyHandedOutObjectsAreFreedByAnotherThread) {
  FalseSharingCrew own(FirstObjects::kOwn);
  FalseSharingCrew handed_out(FirstObjects::kHandedOut);
  own.workload().warm_up();
  handed_out.workload().warm_up();
  for (unsigned i = 0; i < FalseSharingCrew::kThreads; ++i) {
    EXPECT_EQ(own.heaps[i].freed.size(), own.heaps[i].made.size());
  }
  for (unsigned i = 1; i < FalseSharingCrew::kThreads; ++i) {
    EXPECT_EQ(handed_out.heaps[i].freed.size(),
              handed_out.heaps[i].made.size() + FalseSharingCrew::kObjects);
  }
}

/// A list of `count` objects of one byte, which is that object's position from 1 on.
class ReadList {
 public:
  explicit ReadList(std::size_t count) : bytes_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      bytes_[i] = static_cast<unsigned char>(i + 1);
      objects.push_back(&bytes_[i]);
    }
  }
  /// A way to read that notes what was read.
  auto reader() {
    return [this](const void* object) {
      const auto value = read_object(object);
      read.push_back(value);
      return value;
    };
  }

  std::vector<void*> objects;
  std::vector<unsigned> read;

 private:
  std::vector<unsigned char> bytes_;
};

// Would catch: objects that are passed over, or read twice, and still counted as visited.
TEST(Traversal, EveryObjectIsReadOnceAndInOrder) {
  const std::vector<unsigned> in_order{1, 2, 3, 4, 5};
  ReadList list(5);
  follow(list.objects, 0, list.reader());
  EXPECT_EQ(list.read, in_order);
  list.read.clear();
  sweep(list.objects, list.reader());
  EXPECT_EQ(list.read, in_order);
}

// Would catch: a list through which the processor may run ahead, as through an array.
TEST(Traversal, WhereAListGoesOnDependsOnWhatWasRead) {
  ReadList list(5);
  follow(list.objects, 1, list.reader());
  EXPECT_EQ(list.read, (std::vector<unsigned>{1, 3, 5}));
}

std::vector<std::size_t> sizes_of(const Workload& workload) {
  std::vector<std::size_t> sizes;
  workload.visit_live([&](void*, std::size_t size) { sizes.push_back(size); });
  return sizes;
}

// Would catch: a fresh heap that is churned, a churned one that is not, calls not announced.
TEST(Locality, TheWarmUpReplacesTheShareThatIsAskedFor) {
  WorkloadInstance fresh(parse_spec("locality:live=2000,churn=0"));
  WorkloadInstance churned(parse_spec("locality:live=2000,churn=50"));
  fresh.workload().warm_up();
  churned.workload().warm_up();
  EXPECT_EQ(fresh.workload().demand().heap_calls_count, 2'000U);
  EXPECT_EQ(churned.workload().demand().heap_calls_count, 2'000U + 2 * 1'000);
  // The seed is the same, so only what was replaced has another size, save for a few by chance.
  const auto before = sizes_of(fresh.workload());
  const auto after = sizes_of(churned.workload());
  std::size_t differ = 0;
  for (std::size_t i = 0; i < before.size(); ++i) differ += before[i] != after[i] ? 1 : 0;
  EXPECT_LE(differ, 1'000U);
  EXPECT_GT(differ, 900U);
  fresh.workload().drain();
  churned.workload().drain();
}

// Would catch: a region that shuffles the sizes which the warm-up has placed.
TEST(Locality, WhatIsReplacedInTheRegionKeepsItsSize) {
  WorkloadInstance instance(parse_spec("locality:live=150,replace=40"));
  auto& workload = instance.workload();
  workload.warm_up();
  const auto before = sizes_of(workload);
  const auto demand_before = workload.demand();
  instance.run_batches(5);  // each object twice
  EXPECT_EQ(sizes_of(workload), before);
  EXPECT_EQ((workload.demand() - demand_before).requested_bytes,
            2 * workload.progress().live_bytes);
  workload.drain();
}

}  // namespace
}  // namespace heapwise

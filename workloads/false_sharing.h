// The engine of the false-sharing workloads: threads that write small objects of their own again
// and again. No object is shared; whether a cache line is, the allocator decides.
//
//     each thread:  ┌▶ malloc ─▶ first write ─▶ rewrite × writes ─▶ free ─┐   `objects` of them,
//                   └──────────────────────────────────────────────────────┘   written in turn
//
//     a line cut up:  │ thread 0's │ thread 1's │ thread 0's │ thread 1's │
//
// The first objects are each thread's own, or thread 0 makes them all and hands them out in turn,
// so that neighbours go to different threads.
// Invariant: between batches nothing is live.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "workloads/hand_over.h"
#include "workloads/workload.h"

namespace heapwise {

/// Processors that fetch lines in pairs share those, too.
inline constexpr std::uint64_t kLinePairBytes = 128;
inline constexpr std::uint64_t kMostObjects = 64;

enum class FirstObjects { kOwn, kHandedOut };

inline constexpr ParameterDescriptor kFalseSharingParameters[] = {
    {"threads", ParameterUnit::kCount, 2, 1, 256, "threads that write objects of their own"},
    {"size", ParameterUnit::kBytes, 16, 1, 64 << 10, "size of an object"},
    {"apart", ParameterUnit::kCount, 0, 0, 1,
     "1: objects of 128 bytes at least, so that no two begin on one line (the control)"},
    {"objects", ParameterUnit::kCount, 2, 1, kMostObjects,
     "objects that a thread holds at a time and writes in turn"},
    {"writes", ParameterUnit::kCount, 200, 1, 1'000'000, "writes to an object in its life"},
    {"operations", ParameterUnit::kCount, 300'000, 1, 1'000'000'000'000,
     "lives of objects measured, all threads together"},
};

struct FalseSharingPlan {
  unsigned threads_count;
  std::size_t size;
  std::uint64_t objects_count;  // of each thread
  std::uint64_t writes_count;
  std::uint64_t rounds_count;  // lives of each of them in the region
  FirstObjects first_objects;

  FalseSharingPlan(const Parameters& parameters, FirstObjects first)
      : threads_count(threads_parameter(parameters)),
        size(parameters.at("apart") != 0 ? std::max(parameters.at("size"), kLinePairBytes)
                                         : parameters.at("size")),
        objects_count(parameters.at("objects")),
        writes_count(parameters.at("writes")),
        rounds_count((parameters.at("operations") + lives_per_round() - 1) / lives_per_round()),
        first_objects(first) {}

  std::uint64_t lives_per_round() const { return threads_count * objects_count; }
};

template <HeapUnderTest Heap>
class FalseSharing final : public Workload {
 public:
  FalseSharing(const FalseSharingPlan& plan, const Capabilities<Heap>& capabilities)
      : plan_(plan),
        heaps_(capabilities.heaps),
        threads_(capabilities.threads),
        writers_(plan.threads_count) {}

  void warm_up() override {
    introduce_threads();
    const auto rounds = std::max<std::uint64_t>(1, plan_.rounds_count / kWarmUpShare);
    announce(1 + rounds);
    make_first_objects();
    run_on(threads_, [this](unsigned index) { live(heaps_[index], writers_[index]); });
    run(rounds);
  }
  void prepare_batch() override { announce(plan_.rounds_count); }
  void run_batch() override { run(plan_.rounds_count); }
  void drain() override {}  // every life has ended

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override {
    std::uint64_t lives = 0;
    for (const auto& writer : writers_) lives += writer.lives.load(std::memory_order_relaxed);
    return {lives, 0};
  }
  Bytes table_bytes() const override { return {writers_.size() * sizeof(Writer)}; }

  /// Tables and objects at their largest.
  static Bytes footprint(const FalseSharingPlan& plan) {
    return {plan.lives_per_round() * plan.size + plan.threads_count * sizeof(Writer)};
  }

 private:
  static constexpr std::uint64_t kWarmUpShare = 8;  // the warm-up is 1/8 of the measured rounds

  /// What one thread writes beside its objects: must not share a line itself.
  struct alignas(kLinePairBytes) Writer {
    std::atomic<std::uint64_t> lives{0};  // that have ended
    std::array<void*, kMostObjects> objects{};
  };

  void announce(std::uint64_t rounds) {
    const auto lives = rounds * plan_.lives_per_round();
    demand_.operations_count += lives;
    demand_.heap_calls_count += 2 * lives;
    demand_.requested_bytes += lives * plan_.size;
  }

  /// A thread whose first call is a free may be left without a cache, as in jemalloc; a program's
  /// threads have used the heap before they are handed anything.
  void introduce_threads() {
    const auto other_size = plan_.size + kLinePairBytes;
    run_on(threads_, [this, other_size](unsigned index) {
      heaps_[index].free(heaps_[index].allocate(other_size));
    });
    demand_.heap_calls_count += 2 * plan_.threads_count;
    demand_.requested_bytes += plan_.threads_count * other_size;
  }

  /// In turns: which pieces lie beside each other is not left to a race.
  void make_first_objects() {
    for (std::uint64_t i = 0; i < plan_.objects_count; ++i) {
      for (unsigned owner = 0; owner < plan_.threads_count; ++owner) {
        const unsigned maker = plan_.first_objects == FirstObjects::kHandedOut ? 0 : owner;
        run_on(threads_, [&](unsigned index) {
          if (index == maker) writers_[owner].objects[i] = make(heaps_[index]);
        });
      }
    }
  }

  void run(std::uint64_t rounds) {
    arrived_.store(0, std::memory_order_relaxed);
    run_on(threads_, [this, rounds](unsigned index) {
      start_together();
      auto& heap = heaps_[index];
      auto& writer = writers_[index];
      for (std::uint64_t round = 0; round < rounds; ++round) {
        for (std::uint64_t i = 0; i < plan_.objects_count; ++i) writer.objects[i] = make(heap);
        live(heap, writer);
      }
    });
  }

  void start_together() {
    arrived_.fetch_add(1, std::memory_order_relaxed);
    for (unsigned attempts = 0; arrived_.load(std::memory_order_relaxed) < plan_.threads_count;) {
      wait_a_moment(attempts);
    }
  }

  void* make(Heap& heap) {
    void* object = heap.allocate(plan_.size);
    heap.first_write(object, plan_.size, Touch::kFirstByte);
    return object;
  }

  /// The rest of the writer's objects' lives.
  void live(Heap& heap, Writer& writer) {
    const std::span objects(writer.objects.data(), plan_.objects_count);
    for (std::uint64_t i = 0; i < plan_.writes_count; ++i) {
      for (void* object : objects) heap.rewrite(object, plan_.size);
    }
    for (void* object : objects) heap.free(object);
    writer.lives.store(writer.lives.load(std::memory_order_relaxed) + objects.size(),
                       std::memory_order_relaxed);
  }

  FalseSharingPlan plan_;
  std::span<Heap> heaps_;
  Threads* threads_;
  std::vector<Writer> writers_;  // one for each thread
  HeapDemand demand_;
  std::atomic<unsigned> arrived_{0};  // threads at the start of a run
};

template <HeapUnderTest Heap, FirstObjects first>
std::unique_ptr<Workload> make_false_sharing(const Parameters& parameters,
                                             const Capabilities<Heap>& capabilities) {
  return std::make_unique<FalseSharing<Heap>>(FalseSharingPlan(parameters, first), capabilities);
}

/// Completes a false-sharing workload's descriptor, which says of itself what people read.
template <FirstObjects first>
constexpr WorkloadDescriptor describe_false_sharing(WorkloadDescriptor workload) {
  workload.family = Family::kCaches;
  workload.parameters = kFalseSharingParameters;
  workload.threads = threads_parameter;
  workload.operations_per_batch = [](const Parameters& parameters) {
    const FalseSharingPlan plan(parameters, first);
    return plan.rounds_count * plan.lives_per_round();
  };
  workload.operations_per_pass = [](const Parameters& parameters) {
    return FalseSharingPlan(parameters, first).lives_per_round();
  };
  workload.footprint = [](const Parameters& parameters) {
    return FalseSharing<PlainHeap>::footprint(FalseSharingPlan(parameters, first));
  };
  workload.make_plain = make_false_sharing<PlainHeap, first>;
  workload.make_timed = make_false_sharing<TimedHeap, first>;
  workload.make_checked = make_false_sharing<CheckedHeap, first>;
  return workload;
}

}  // namespace heapwise

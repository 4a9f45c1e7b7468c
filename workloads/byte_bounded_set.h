// The engine of the workloads that hold a constant number of bytes: a set of live objects of mixed
// sizes, in which each fresh object pushes out as many random ones as keep the bytes within a
// bound.
//
//     planned, untimed:   size ──▶ victims are drawn ──▶ steps: free, …, free, malloc
//     run:                the steps, each a load and a heap call
//
// All slots are in one permutation, so that a victim and a vacant slot are found at once:
//
//     order_:   | old: may be pushed out | young: may not | vacant |
//               0                    old_count_     live_count_
//
// Planning is ahead of the objects by the steps not run yet; between batches there are none.
// Invariant: live_bytes_ is the sum of the sizes of the first live_count_ slots in order_, and at
// most the bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "bench/core/distribution.h"
#include "workloads/workload.h"

namespace heapwise {

/// `steps` has to hold the longest plan: each object that there may be once, each fresh one twice.
struct SetLimits {
  std::uint64_t bytes;
  std::size_t objects;
  std::size_t steps;
};

/// Objects of log-uniform sizes that `bytes` hold, with room for a draw of many small ones.
inline std::size_t most_objects(std::uint64_t bytes, std::uint64_t minimum, std::uint64_t maximum) {
  constexpr double kRoom = 1.25;
  constexpr std::size_t kRoomOfFew = 64;
  const double mean =
      mean_of_log_uniform(static_cast<double>(minimum), static_cast<double>(maximum));
  return static_cast<std::size_t>(kRoom * static_cast<double>(bytes) / mean) + kRoomOfFew;
}

template <HeapUnderTest Heap>
class ByteBoundedSet {
 public:
  ByteBoundedSet(const SetLimits& limits, Heap& heap)
      : limits_(limits),
        heap_(&heap),
        objects_(limits.objects),
        sizes_(limits.objects),
        order_(limits.objects),
        steps_(limits.steps) {
    std::iota(order_.begin(), order_.end(), std::uint32_t{0});
  }

  /// Whether an object of this size pushes nothing out.
  bool has_room(std::uint64_t size) const {
    return live_bytes_ + size <= limits_.bytes && live_count_ < limits_.objects;
  }
  /// Whether a slot is vacant or can be made so.
  bool has_slot() const { return live_count_ < limits_.objects || old_count_ > 0; }

  /// A fresh object, behind the frees that make room for it. There has to be a slot, and the bound
  /// has to hold the young objects and this one.
  void plan_object(std::uint32_t size, Random& random) {
    while (!has_room(size)) plan_free(random.below(old_count_));
    const auto slot = order_[live_count_++];
    sizes_[slot] = size;
    live_bytes_ += size;
    steps_[steps_count_++] = {slot, size};
    ++demand_.heap_calls_count;
    demand_.requested_bytes += size;
  }

  /// From here on every live object may be pushed out.
  void age() { old_count_ = live_count_; }

  void plan_drain() {
    age();
    while (live_count_ != 0) plan_free(live_count_ - 1);
  }

  void run() {
    const Step* const end = steps_.data() + steps_count_;
    for (const Step* step = steps_.data(); step != end; ++step) {
      void*& object = objects_[step->slot];
      if (step->size == 0) {
        heap_->free(object);
      } else {
        object = heap_->allocate(step->size);
        heap_->first_write(object, step->size, Touch::kEveryPage);
      }
    }
    steps_count_ = 0;
  }

  void visit(const LiveVisitor& visit) const {
    for (std::size_t i = 0; i < live_count_; ++i) visit(objects_[order_[i]], sizes_[order_[i]]);
  }

  std::uint64_t live_bytes() const { return live_bytes_; }
  /// Heap calls and bytes of all that was planned; operations are the workload's to count.
  const HeapDemand& demand() const { return demand_; }

  static Bytes table_bytes(const SetLimits& limits) {
    return {limits.objects * (sizeof(void*) + 2 * sizeof(std::uint32_t)) +
            limits.steps * sizeof(Step)};
  }

 private:
  struct Step {
    std::uint32_t slot;
    std::uint32_t size;  // 0: the object there is freed
  };

  /// `place` is below old_count_.
  void plan_free(std::size_t place) {
    const auto slot = order_[place];
    std::swap(order_[place], order_[--old_count_]);
    std::swap(order_[old_count_], order_[--live_count_]);
    live_bytes_ -= sizes_[slot];
    steps_[steps_count_++] = {slot, 0};
    ++demand_.heap_calls_count;
  }

  SetLimits limits_;
  Heap* heap_;
  std::vector<void*> objects_;        // of each slot
  std::vector<std::uint32_t> sizes_;  // of each slot
  std::vector<std::uint32_t> order_;  // slots: old, young, vacant
  std::size_t old_count_ = 0;
  std::size_t live_count_ = 0;
  std::vector<Step> steps_;
  std::size_t steps_count_ = 0;
  std::uint64_t live_bytes_ = 0;
  HeapDemand demand_;
};

/// A workload over such a set: it plans in prepare_batch, and counts its own operations.
template <HeapUnderTest Heap>
class ByteBoundedWorkload : public Workload {
 public:
  void run_batch() override { set_.run(); }

  void drain() override {
    set_.plan_drain();
    set_.run();
  }

  void visit_live(const LiveVisitor& visit) const override { set_.visit(visit); }

  HeapDemand demand() const override {
    auto demand = set_.demand();
    demand.operations_count = operations_count_;
    return demand;
  }
  Progress progress() const override { return {operations_count_, set_.live_bytes()}; }
  Bytes table_bytes() const override { return set_.table_bytes(limits_); }

 protected:
  ByteBoundedWorkload(const SetLimits& limits, const Capabilities<Heap>& capabilities)
      : limits_(limits), random_(capabilities.random), set_(limits, capabilities.heaps.front()) {}

  SetLimits limits_;
  Random random_;
  ByteBoundedSet<Heap> set_;
  std::uint64_t operations_count_ = 0;
};

}  // namespace heapwise

// The engine of the churn workloads: a set of live objects of constant number, in which each
// operation frees a random one and puts a fresh one in its place.
//
//     operation i:   slot ── free ──▶ malloc(size) ──▶ first write ──▶ slot
//
// By which calls an object is made and freed is the workload's choice, made when it is compiled.
//
// Slots and sizes of a batch are drawn before it, untimed, so that the timed loop is two loads, the
// calls and a store; calls that are told the size of what they free have it drawn along, one load
// more. Invariant: between batches every slot holds an object (after warm_up, until drain).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/core/distribution.h"
#include "workloads/workload.h"

namespace heapwise {

/// One operation: what is in the slot is freed, an object of this size takes its place.
struct Replacement {
  std::uint32_t slot;
  std::uint32_t size;
};

struct ReplacementPlan {
  static constexpr std::uint32_t kPrefetchDistance = 8;

  std::uint64_t slots_count;
  std::uint64_t minimum_size;
  std::uint64_t maximum_size;
  std::uint64_t warm_up_operations;
  std::uint32_t operations_per_batch;
  Touch touch;

  /// Behind the last operation lie a few that are only looked ahead at.
  std::size_t batch_capacity() const { return operations_per_batch + kPrefetchDistance; }
};

/// The sizes of a plan whose slots are all alike.
class AlikeSizes {
 public:
  explicit AlikeSizes(const ReplacementPlan& plan) : sizes_(plan.minimum_size, plan.maximum_size) {}
  std::uint64_t draw(Random& random, std::uint32_t /*slot*/) const { return sizes_.draw(random); }

 private:
  LogUniform sizes_;
};

/// The calls that make and free an object, for a workload to derive its own from.
struct MallocAndFree {
  static constexpr bool kFreesBySize = false;  // whether free is told the size

  explicit MallocAndFree(const Parameters&) {}

  template <HeapUnderTest Heap>
  void* make(Heap& heap, std::size_t size) const {
    return heap.allocate(size);
  }
  template <HeapUnderTest Heap>
  void free(Heap& heap, void* object, [[maybe_unused]] std::size_t size) const {
    heap.free(object);
  }
};

/// `Sizes` draws the size of the next object in a slot.
template <HeapUnderTest Heap, class Calls = MallocAndFree, class Sizes = AlikeSizes>
class RandomReplacement : public Workload {
 public:
  RandomReplacement(const ReplacementPlan& plan, const Calls& calls, const Sizes& sizes,
                    const Capabilities<Heap>& capabilities)
      : plan_(plan),
        calls_(calls),
        heap_(&capabilities.heaps.front()),
        random_(capabilities.random),
        sizes_(sizes),
        slots_(plan.slots_count),
        slot_sizes_(capabilities.tracks_live_bytes || Calls::kFreesBySize ? plan.slots_count : 0),
        batch_(plan.batch_capacity()),
        freed_sizes_(Calls::kFreesBySize ? plan.operations_per_batch : 0) {}

  void warm_up() override {
    fill();
    for (std::uint64_t done = 0; done < plan_.warm_up_operations;
         done += plan_.operations_per_batch) {
      prepare_batch();
      run_batch();
    }
  }

  void prepare_batch() override {
    for (std::uint32_t i = 0; i < plan_.operations_per_batch; ++i) {
      const auto slot = static_cast<std::uint32_t>(random_.below(slots_.size()));
      batch_[i] = {slot, static_cast<std::uint32_t>(sizes_.draw(random_, slot))};
      if constexpr (Calls::kFreesBySize) freed_sizes_[i] = slot_sizes_[slot];
      note_request(batch_[i]);
    }
    demand_.operations_count += plan_.operations_per_batch;
    demand_.heap_calls_count += 2ULL * plan_.operations_per_batch;
  }

  void run_batch() override {
    const Replacement* replacement = batch_.data();
    const Replacement* const end = replacement + plan_.operations_per_batch;
    for (; replacement != end; ++replacement) {
      __builtin_prefetch(&slots_[replacement[ReplacementPlan::kPrefetchDistance].slot], 1);
      void*& slot = slots_[replacement->slot];
      calls_.free(*heap_, slot, freed_size(replacement - batch_.data()));
      slot = calls_.make(*heap_, replacement->size);
      heap_->first_write(slot, replacement->size, plan_.touch);
    }
  }

  void drain() override {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      calls_.free(*heap_, slots_[i], Calls::kFreesBySize ? slot_sizes_[i] : 0);
      slots_[i] = nullptr;
    }
    demand_.heap_calls_count += slots_.size();
    live_bytes_ = 0;
  }

  void visit_live(const LiveVisitor& visit) const override {
    for (std::size_t i = 0; i < slot_sizes_.size(); ++i) visit(slots_[i], slot_sizes_[i]);
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return {demand_.operations_count, live_bytes_}; }
  Bytes table_bytes() const override {
    return {slots_.size() * sizeof(void*) + slot_sizes_.size() * sizeof(std::uint32_t) +
            batch_.size() * sizeof(Replacement) + freed_sizes_.size() * sizeof(std::uint32_t)};
  }

 private:
  /// What the batch's operation of that index frees, as far as its calls want to know.
  std::size_t freed_size(std::ptrdiff_t index) const {
    if constexpr (Calls::kFreesBySize) return freed_sizes_[static_cast<std::size_t>(index)];
    return 0;
  }

  void fill() {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      const Replacement first{i, static_cast<std::uint32_t>(sizes_.draw(random_, i))};
      note_request(first);
      slots_[i] = calls_.make(*heap_, first.size);
      heap_->first_write(slots_[i], first.size, plan_.touch);
    }
    demand_.heap_calls_count += slots_.size();
  }

  void note_request(const Replacement& replacement) {
    demand_.requested_bytes += replacement.size;
    if (slot_sizes_.empty()) return;
    live_bytes_ += replacement.size;
    live_bytes_ -= slot_sizes_[replacement.slot];
    slot_sizes_[replacement.slot] = replacement.size;
  }

  ReplacementPlan plan_;
  [[no_unique_address]] Calls calls_;
  Heap* heap_;
  Random random_;
  Sizes sizes_;
  std::vector<void*> slots_;
  std::vector<std::uint32_t> slot_sizes_;  // of the objects in slots_; empty unless wanted
  std::vector<Replacement> batch_;
  std::vector<std::uint32_t> freed_sizes_;  // by the batch's operations; empty unless wanted
  HeapDemand demand_;
  std::uint64_t live_bytes_ = 0;
};

/// Tables of a plan at their largest.
inline Bytes replacement_table_bytes(const ReplacementPlan& plan) {
  constexpr std::uint64_t kTableBytesPerSlot = sizeof(void*) + sizeof(std::uint32_t);
  constexpr std::uint64_t kTableBytesPerOperation = sizeof(Replacement) + sizeof(std::uint32_t);
  return {plan.slots_count * kTableBytesPerSlot + plan.batch_capacity() * kTableBytesPerOperation};
}

/// Tables and objects of a plan at their largest.
inline Bytes replacement_footprint(const ReplacementPlan& plan) {
  return {plan.slots_count * plan.maximum_size + replacement_table_bytes(plan).value};
}

}  // namespace heapwise

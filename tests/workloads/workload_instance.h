// A workload on the checked heap with all it needs: every object it handles is held against a
// shadow, and what is still live can be asked for.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "bench/heap/shadow_heap.h"
#include "workloads/workload.h"

namespace heapwise {

/// Lets every request go at once and keeps what it was told.
class CountingPacer final : public Pacer {
 public:
  void await(Nanoseconds due) override {
    is_ordered_ = is_ordered_ && due.value >= last_due_.value && !is_waiting_;
    last_due_ = due;
    is_waiting_ = true;
  }
  void answered() override {
    is_ordered_ = is_ordered_ && is_waiting_;
    is_waiting_ = false;
    ++answered_count_;
  }

  std::uint64_t answered_count() const { return answered_count_; }
  Nanoseconds last_due() const { return last_due_; }
  /// No request was due before the one before it, and each was answered before the next.
  bool is_ordered() const { return is_ordered_ && !is_waiting_; }

 private:
  std::uint64_t answered_count_ = 0;
  Nanoseconds last_due_;
  bool is_waiting_ = false;
  bool is_ordered_ = true;
};

class WorkloadInstance {
 public:
  /// Whether a workload with requests has pacers to ask.
  enum class Loop { kOpen, kClosed };

  explicit WorkloadInstance(const Spec& spec, std::uint64_t seed = 5, Loop loop = Loop::kOpen,
                            bool tracks_live_bytes = true)
      : descriptor_(find_workload(spec.name)), parameters_(resolve_parameters(spec)) {
    const unsigned count = descriptor_->threads(parameters_);
    heaps_.assign(count, CheckedHeap(shadow_));
    if (count > 1) threads_.emplace(count);
    pacers_.resize(descriptor_->has_requests && loop == Loop::kOpen ? count : 0);
    for (auto& pacer : pacers_) pacer_list_.push_back(&pacer);
    workload_ = descriptor_->make_checked(parameters_, {.heaps = heaps_,
                                                        .random = Random(seed),
                                                        .threads = threads_ ? &*threads_ : nullptr,
                                                        .tracks_live_bytes = tracks_live_bytes,
                                                        .pacers = pacer_list_});
  }

  Workload& workload() { return *workload_; }
  const WorkloadDescriptor& descriptor() const { return *descriptor_; }
  const ShadowHeap& shadow() const { return shadow_; }
  const std::vector<CountingPacer>& pacers() const { return pacers_; }
  std::uint64_t operations_per_batch() const {
    return descriptor_->operations_per_batch(parameters_);
  }
  Bytes footprint() const { return descriptor_->footprint(parameters_); }

  void run_batches(int count) {
    for (int i = 0; i < count; ++i) {
      workload_->prepare_batch();
      workload_->run_batch();
    }
  }

 private:
  const WorkloadDescriptor* descriptor_;
  Parameters parameters_;
  ShadowHeap shadow_;
  std::vector<CheckedHeap> heaps_;
  std::optional<Threads> threads_;
  std::vector<CountingPacer> pacers_;
  std::vector<Pacer*> pacer_list_;
  std::unique_ptr<Workload> workload_;
};

}  // namespace heapwise

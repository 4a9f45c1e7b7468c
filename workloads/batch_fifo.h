// Objects on their way from one thread that makes them to one that frees them, first in, first out,
// a batch of a fixed number at a time.
//
//     maker: reserve() → fill the batch in place → publish(bytes)
//     freer: front(kept) → free the batch in place → release()
//
//     | released | oldest: freed next │ … `kept` batches stay … │ published | filled next |
//
// A freer that keeps many batches frees an object long after it was made.
// Invariant: released_ <= published_ <= released_ + capacity.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace heapwise {

class BatchFifo {
 public:
  BatchFifo(std::size_t batch_objects, std::size_t capacity)
      : batch_objects_(batch_objects), objects_(batch_objects * capacity), bytes_(capacity) {}

  /// Room for the batch to make next, or nullptr while there is none.
  void** reserve() {
    const auto published = published_.load(std::memory_order_relaxed);
    if (published - released_.load(std::memory_order_acquire) == bytes_.size()) return nullptr;
    return objects_of(published);
  }
  /// `bytes` of all objects in the batch.
  void publish(std::uint64_t bytes) {
    bytes_[published_.load(std::memory_order_relaxed) % bytes_.size()] = bytes;
    advance(published_);
  }

  /// The oldest batch, or nullptr while no more than `kept` are here.
  void* const* front(std::uint64_t kept) {
    const auto released = released_.load(std::memory_order_relaxed);
    if (published_.load(std::memory_order_acquire) - released <= kept) return nullptr;
    return objects_of(released);
  }
  std::uint64_t front_bytes() const {
    return bytes_[released_.load(std::memory_order_relaxed) % bytes_.size()];
  }
  void release() { advance(released_); }

  std::size_t table_bytes() const {
    return objects_.size() * sizeof(void*) + bytes_.size() * sizeof(std::uint64_t);
  }

 private:
  void** objects_of(std::uint64_t batch) {
    return &objects_[batch % bytes_.size() * batch_objects_];
  }
  static void advance(std::atomic<std::uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  std::size_t batch_objects_;
  std::vector<void*> objects_;
  std::vector<std::uint64_t> bytes_;  // of each batch
  alignas(64) std::atomic<std::uint64_t> published_{0};
  alignas(64) std::atomic<std::uint64_t> released_{0};
};

}  // namespace heapwise

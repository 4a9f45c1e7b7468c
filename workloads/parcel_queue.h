// A bounded queue from one producer to one consumer that moves objects in parcels, so that the
// queue's own cache misses are shared by many objects and little but the allocator's work is seen.
//
//     producer: reserve() → fill the parcel in place → publish()
//     consumer: front() → use the parcel in place → release()
//
// Invariant: released_ <= published_ <= released_ + capacity.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace heapwise {

inline constexpr std::size_t kParcelObjects = 62;

struct alignas(64) Parcel {
  std::uint64_t objects_count;
  std::uint64_t bytes;
  std::array<void*, kParcelObjects> objects;
};

class ParcelQueue {
 public:
  explicit ParcelQueue(std::size_t capacity) : parcels_(capacity) {}

  /// The parcel to fill next, or nullptr while the queue is full.
  Parcel* reserve() {
    const auto published = published_.load(std::memory_order_relaxed);
    if (published - released_.load(std::memory_order_acquire) == parcels_.size()) return nullptr;
    return &parcels_[published % parcels_.size()];
  }
  void publish() { advance(published_); }

  /// The parcel to use next, or nullptr while the queue is empty.
  Parcel* front() {
    const auto released = released_.load(std::memory_order_relaxed);
    if (published_.load(std::memory_order_acquire) == released) return nullptr;
    return &parcels_[released % parcels_.size()];
  }
  void release() { advance(released_); }

  std::size_t table_bytes() const { return parcels_.size() * sizeof(Parcel); }

 private:
  static void advance(std::atomic<std::uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  std::vector<Parcel> parcels_;
  alignas(64) std::atomic<std::uint64_t> published_{0};
  alignas(64) std::atomic<std::uint64_t> released_{0};
};

}  // namespace heapwise

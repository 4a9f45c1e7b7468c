// Keeps a process's MallocRanges up to date, in two copies: the file that is read from outside, and
// private memory. A forked child inherits the private copy as it was at the fork, and starts a file
// of its own from it, while the parent's file goes on changing.
//
// Any thread at any time, without a lock: an entry is one word, found from its home slot on. A slot
// becomes free in the file before it does in private memory, so its next owner writes both last.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "bench/preload/malloc_ranges.h"

namespace heapwise {

class RangeRecords {
 public:
  RangeRecords(MallocRanges& kept, MallocRanges& file) : kept_(kept), file_(file) {}

  void add_live_bytes(std::int64_t bytes) {
    add(kept_.live_bytes, bytes);
    add(file_.live_bytes, bytes);
  }

  void add_unrecorded(std::int64_t count) {
    add(kept_.unrecorded_count, count);
    add(file_.unrecorded_count, count);
  }

  /// Has no effect on a heap that is there already.
  void add_arena_heap(AddressRange heap) {
    const std::size_t home = heap.begins / heap.length;
    if (!insert(kept_.arena_heaps, file_.arena_heaps, home, pack_range(heap))) add_unrecorded(1);
  }

  void add_mapped_object(AddressRange mapping) {
    const bool is_inserted =
        insert(kept_.mapped_objects, file_.mapped_objects, home_of(mapping), pack_range(mapping));
    if (!is_inserted) add_unrecorded(1);
  }

  void remove_mapped_object(AddressRange mapping) {
    const bool is_erased =
        erase(kept_.mapped_objects, file_.mapped_objects, home_of(mapping), pack_range(mapping));
    if (!is_erased) add_unrecorded(-1);
  }

 private:
  // Mapped objects are rarely smaller: neighbours get neighbouring slots and no two the same.
  static constexpr std::uint64_t kUsualMmapThreshold = std::uint64_t{128} << 10;

  static std::size_t home_of(AddressRange mapping) { return mapping.begins / kUsualMmapThreshold; }

  static void add(std::int64_t& total, std::int64_t amount) {
    std::atomic_ref(total).fetch_add(amount, std::memory_order_relaxed);
  }

  template <std::size_t kCount>
  static bool insert(std::uint64_t (&kept)[kCount], std::uint64_t (&file)[kCount], std::size_t home,
                     std::uint64_t entry) {
    if (entry == 0) return false;
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t slot = (home + i) % kCount;
      const std::atomic_ref kept_slot(kept[slot]);
      std::uint64_t found = kept_slot.load(std::memory_order_relaxed);
      if (found == 0 && kept_slot.compare_exchange_strong(found, entry)) {
        std::atomic_ref(file[slot]).store(entry, std::memory_order_relaxed);
        return true;
      }
      if (found == entry) return true;
    }
    return false;
  }

  // Past free slots too: what filled them when the entry was inserted may be gone.
  template <std::size_t kCount>
  static bool erase(std::uint64_t (&kept)[kCount], std::uint64_t (&file)[kCount], std::size_t home,
                    std::uint64_t entry) {
    if (entry == 0) return false;
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t slot = (home + i) % kCount;
      const std::atomic_ref kept_slot(kept[slot]);
      if (kept_slot.load(std::memory_order_relaxed) != entry) continue;
      std::atomic_ref(file[slot]).store(0, std::memory_order_relaxed);
      kept_slot.store(0, std::memory_order_release);
      return true;
    }
    return false;
  }

  MallocRanges& kept_;
  MallocRanges& file_;
};

}  // namespace heapwise

// From any address to what lies there, in two loads and without reading the memory itself.
//
//   address   [ 16 bits root | 16 bits leaf | 16 bits inside the slice ]
//   root_     offset of a leaf from the empty leaf; 0, the empty leaf itself, where nothing is ours
//   leaf      one entry a slice: a record's address, with a tag in its six low bits;
//             one dirty and one stale bit a slice, one huge bit for as many as a huge page has
//
//   tag 0           nothing of ours begins or lies in this slice
//   tag 1 … 56      Slab*: the slice is part of a slab of that size class
//   tag 57 … 59     Run*: an object of 2, 3 or 4 slices begins at this slice
//   kFreedTag       as tag 0; the object that began here, or the slab, has been freed
//   kMediumTag      Run*: a longer medium object begins at this slice
//   kLargeTag       LargeObject*: a large object begins at this slice
//   kFreeRunTag     Run*: first or last slice of a free run
//
// A free slice is dirty when its pages may be resident and hold anything, else it costs no memory
// and reads as zero; unless it is stale: given back in a way that the kernel may still put off.
// While a slice is in use its dirty bit means nothing. Huge bits say where the kernel was asked for
// huge pages, which are returned whole or not at all.
//
// Invariants: entries are written only by whoever owns the slice at that moment, dirty bits under
// the owner's lock, huge bits by whoever maps or unmaps; an object's end is an atomic exchange of
// whoever frees it. Leaves are never unmapped, and the empty leaf is never written. Reading needs no
// lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocators/reference/geometry.h"
#include "allocators/reference/lock.h"

namespace refmalloc {

inline constexpr std::size_t kTags = 64;
inline constexpr std::size_t kFreedTag = 60;
inline constexpr std::size_t kMediumTag = 61;
inline constexpr std::size_t kLargeTag = 62;
inline constexpr std::size_t kFreeRunTag = 63;

class PageMapEntry {
 public:
  constexpr PageMapEntry() = default;
  explicit constexpr PageMapEntry(std::uintptr_t bits) : bits_(bits) {}
  PageMapEntry(const void* record, std::size_t tag)
      : bits_(reinterpret_cast<std::uintptr_t>(record) | tag) {}

  [[nodiscard]] std::size_t tag() const noexcept { return bits_ & (kTags - 1); }
  [[nodiscard]] std::uintptr_t bits() const noexcept { return bits_; }

  template <class Record>
  [[nodiscard]] Record* record() const noexcept {
    static_assert(alignof(Record) >= kTags);
    return reinterpret_cast<Record*>(bits_ & ~std::uintptr_t{kTags - 1});
  }

 private:
  std::uintptr_t bits_ = 0;
};

inline constexpr PageMapEntry kFreedEntry{kFreedTag};

class PageMap {
 public:
  constexpr PageMap() = default;

  // Of pointers beyond kAddressBits the upper bits are ignored: whoever acts on a record compares
  // the pointer with the record's own range.
  [[nodiscard]] PageMapEntry find(const void* pointer) const noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    const std::ptrdiff_t offset = root_[root_index(address)].load(std::memory_order_acquire);
    const auto* leaf =
        reinterpret_cast<const Leaf*>(reinterpret_cast<const char*>(&empty_leaf_) + offset);
    return PageMapEntry(leaf->entries[leaf_index(address)].load(std::memory_order_acquire));
  }

  // The nearest entry at or before the pointer's slice that has an owner. Slow: for messages.
  [[nodiscard]] PageMapEntry find_back(const void* pointer) const noexcept;

  // Makes sure that `set` works for all slices of the range. false when there is no memory.
  bool cover(const void* start, std::size_t bytes) noexcept;

  // Precondition: the slice has been covered.
  void set(const void* start, PageMapEntry entry) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    leaf_of(address).entries[leaf_index(address)].store(entry.bits(), std::memory_order_release);
  }
  void clear(const void* start) noexcept { set(start, PageMapEntry()); }

  // The same for each slice of a covered range.
  void set(const void* start, std::size_t slices, PageMapEntry entry) noexcept;
  void clear(const void* start, std::size_t slices) noexcept { set(start, slices, {}); }

  // The dirty bits of a covered range. The caller owns the slices.
  void mark_dirty(const void* start, std::size_t slices) noexcept;
  void mark_clean(const void* start, std::size_t slices) noexcept;
  [[nodiscard]] std::size_t count_dirty(const void* start, std::size_t slices) const noexcept;

  // The stale bits likewise.
  void mark_stale(const void* start, std::size_t slices, bool stale) noexcept;
  [[nodiscard]] bool has_stale(const void* start, std::size_t slices) const noexcept;

  // The last stretch of dirty slices in the range, by the number of its first slice.
  struct Stretch {
    std::size_t first, slices;
  };
  [[nodiscard]] Stretch last_dirty(const void* start, std::size_t slices) const noexcept;

  // Says of all huge pages that lie wholly or partly in the covered range what they are.
  void set_huge(const void* start, std::size_t slices, bool huge) noexcept;
  [[nodiscard]] bool is_huge(const void* pointer) const noexcept;

  // The end of the object that begins at `start`: its entry becomes kFreedEntry. false when it is
  // not `entry` any more: somebody else was faster.
  [[nodiscard]] bool end_object(const void* start, PageMapEntry entry) noexcept;

  // Address space of the leaves.
  [[nodiscard]] std::size_t mapped_bytes() noexcept;
  [[nodiscard]] Lock& lock() noexcept { return lock_; }

 private:
  static constexpr std::size_t kLeafBits = 16;
  static constexpr std::size_t kRootBits = kAddressBits - kSliceShift - kLeafBits;

  static constexpr std::size_t kLeafEntries = std::size_t{1} << kLeafBits;

  struct Leaf {
    std::atomic<std::uintptr_t> entries[kLeafEntries];
    std::atomic<std::uint64_t> dirty[kLeafEntries / kWordBits];
    std::atomic<std::uint64_t> stale[kLeafEntries / kWordBits];
    std::atomic<std::uint64_t> huge[kLeafEntries / kHugePageSlices / kWordBits];
  };

  static constexpr std::size_t kLeafBytes = round_up(sizeof(Leaf), kSliceBytes);

  // Both indices are 16 bits wide, which is cheaper to cut out than any other number of bits.
  static_assert(kLeafBits == 16 && kRootBits == 16);
  static constexpr std::size_t root_index(std::uintptr_t address) {
    return static_cast<std::uint16_t>(address >> (kSliceShift + kLeafBits));
  }
  static constexpr std::size_t leaf_index(std::uintptr_t address) {
    return static_cast<std::uint16_t>(address >> kSliceShift);
  }

  using Bitmap = std::atomic<std::uint64_t> (Leaf::*)[kLeafEntries / kWordBits];

  // The bits of up to 64 neighbouring slices that share a word.
  struct SliceBits {
    std::atomic<std::uint64_t>* word;
    std::uint64_t mask;
    std::size_t slices;
  };

  bool add_leaf(std::size_t index) noexcept;
  [[nodiscard]] Leaf& leaf_of(std::uintptr_t address) const noexcept {
    const std::ptrdiff_t offset = root_[root_index(address)].load(std::memory_order_relaxed);
    auto* const empty = reinterpret_cast<char*>(const_cast<Leaf*>(&empty_leaf_));
    return *reinterpret_cast<Leaf*>(empty + offset);
  }
  [[nodiscard]] SliceBits slice_bits(Bitmap bitmap, std::uintptr_t address,
                                     std::size_t slices) const noexcept;
  void mark(Bitmap bitmap, const void* start, std::size_t slices, bool value) noexcept;
  [[nodiscard]] std::size_t count(Bitmap bitmap, const void* start,
                                  std::size_t slices) const noexcept;
  [[nodiscard]] std::size_t skip_back(std::uintptr_t start, std::size_t end,
                                      bool dirty) const noexcept;

  std::atomic<std::ptrdiff_t> root_[std::size_t{1} << kRootBits] = {};
  Leaf empty_leaf_ = {};
  Lock lock_;
  std::size_t leaves_count_ = 0;
};

extern constinit PageMap page_map;

}  // namespace refmalloc

// Which addresses belong to a live object, kept apart from any heap: one bit for 16 bytes.
//
//   address   [ 16 bits root | 28 bits granule | 4 bits inside the granule ]
//   root_     a leaf for each 4 GiB of addresses, mapped when first needed
//   leaf      2^28 bits; only what is touched has pages
//
// An object is entered once it has been handed out and taken out before it is given back, so two
// that overlap are found when the second is entered, whichever threads they belong to. Any thread
// may call any function; each word of 64 granules is changed by one atomic.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

class ShadowMap {
 public:
  ShadowMap() = default;
  ShadowMap(const ShadowMap&) = delete;
  ShadowMap& operator=(const ShadowMap&) = delete;

  ~ShadowMap() {
    for (auto& leaf : root_) {
      if (leaf.load() != nullptr) munmap(leaf.load(), kLeafBytes);
    }
  }

  // false when some of the range belonged to a live object already.
  bool enter(const void* start, std::size_t bytes) {
    bool all_free = true;
    visit(start, bytes, [&](std::atomic<std::uint64_t>& word, std::uint64_t bits) {
      all_free &= (word.fetch_or(bits, std::memory_order_relaxed) & bits) == 0;
    });
    return all_free;
  }

  // false when some of the range was not live.
  bool leave(const void* start, std::size_t bytes) {
    bool all_live = true;
    visit(start, bytes, [&](std::atomic<std::uint64_t>& word, std::uint64_t bits) {
      all_live &= (word.fetch_and(~bits, std::memory_order_relaxed) & bits) == bits;
    });
    return all_live;
  }

 private:
  static constexpr std::size_t kGranuleBytes = 16;
  static constexpr std::size_t kWordBits = 64;
  static constexpr std::size_t kLeafGranules = std::size_t{1} << 28;
  static constexpr std::size_t kLeafBytes = kLeafGranules / 8;
  static constexpr std::size_t kLeaves = std::size_t{1} << 16;

  std::atomic<std::uint64_t>* leaf_of(std::size_t granule) {
    auto& slot = root_[granule / kLeafGranules % kLeaves];
    std::atomic<std::uint64_t>* leaf = slot.load(std::memory_order_acquire);
    if (leaf != nullptr) return leaf;
    void* const fresh = mmap(nullptr, kLeafBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    auto* const mine = static_cast<std::atomic<std::uint64_t>*>(fresh);
    if (slot.compare_exchange_strong(leaf, mine, std::memory_order_acq_rel)) return mine;
    munmap(fresh, kLeafBytes);
    return leaf;
  }

  template <class Visit>
  void visit(const void* start, std::size_t bytes, Visit visit_word) {
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    std::size_t at = address / kGranuleBytes;
    const std::size_t end = (address + bytes + kGranuleBytes - 1) / kGranuleBytes;
    while (at < end) {
      const std::size_t offset = at % kWordBits;
      const std::size_t count = std::min(kWordBits - offset, end - at);
      const std::uint64_t bits = (~std::uint64_t{0} >> (kWordBits - count)) << offset;
      visit_word(leaf_of(at)[at % kLeafGranules / kWordBits], bits);
      at += count;
    }
  }

  std::atomic<std::atomic<std::uint64_t>*> root_[kLeaves] = {};
};

#include "allocators/reference/page_map.h"

#include "allocators/reference/os.h"

namespace refmalloc {

constinit PageMap page_map;

bool PageMap::add_leaf(std::size_t index) noexcept {
  const LockGuard guard(lock_);
  if (root_[index].load(std::memory_order_relaxed) != 0) return true;
  void* const leaf = os::map(kLeafBytes, kSliceBytes);
  if (leaf == nullptr) return false;
  const std::ptrdiff_t offset = static_cast<char*>(leaf) - reinterpret_cast<char*>(&empty_leaf_);
  root_[index].store(offset, std::memory_order_release);
  ++leaves_count_;
  return true;
}

std::size_t PageMap::mapped_bytes() noexcept {
  const LockGuard guard(lock_);
  return leaves_count_ * kLeafBytes;
}

bool PageMap::cover(const void* start, std::size_t bytes) noexcept {
  const auto first = reinterpret_cast<std::uintptr_t>(start);
  if (((first + bytes - 1) >> kAddressBits) != 0) return false;
  for (std::size_t i = root_index(first); i <= root_index(first + bytes - 1); ++i) {
    if (root_[i].load(std::memory_order_acquire) == 0 && !add_leaf(i)) return false;
  }
  return true;
}

void PageMap::set(const void* start, std::size_t slices, PageMapEntry entry) noexcept {
  const char* slice = static_cast<const char*>(start);
  for (std::size_t i = 0; i < slices; ++i, slice += kSliceBytes) set(slice, entry);
}

PageMap::SliceBits PageMap::slice_bits(Bitmap bitmap, std::uintptr_t address,
                                       std::size_t slices) const noexcept {
  const std::size_t index = leaf_index(address);
  const std::size_t bit = index % kWordBits;
  const std::size_t count = slices < kWordBits - bit ? slices : kWordBits - bit;
  return {.word = &(leaf_of(address).*bitmap)[index / kWordBits],
          .mask = (~std::uint64_t{0} >> (kWordBits - count)) << bit,
          .slices = count};
}

void PageMap::mark(Bitmap bitmap, const void* start, std::size_t slices, bool value) noexcept {
  auto address = reinterpret_cast<std::uintptr_t>(start);
  while (slices > 0) {
    const SliceBits part = slice_bits(bitmap, address, slices);
    if (value) {
      part.word->fetch_or(part.mask, std::memory_order_relaxed);
    } else {
      part.word->fetch_and(~part.mask, std::memory_order_relaxed);
    }
    slices -= part.slices;
    address += part.slices << kSliceShift;
  }
}

std::size_t PageMap::count(Bitmap bitmap, const void* start, std::size_t slices) const noexcept {
  auto address = reinterpret_cast<std::uintptr_t>(start);
  std::size_t set = 0;
  while (slices > 0) {
    const SliceBits part = slice_bits(bitmap, address, slices);
    const std::uint64_t bits = part.word->load(std::memory_order_relaxed) & part.mask;
    set += static_cast<std::size_t>(__builtin_popcountll(bits));
    slices -= part.slices;
    address += part.slices << kSliceShift;
  }
  return set;
}

void PageMap::mark_dirty(const void* start, std::size_t slices) noexcept {
  mark(&Leaf::dirty, start, slices, true);
}

void PageMap::mark_clean(const void* start, std::size_t slices) noexcept {
  mark(&Leaf::dirty, start, slices, false);
}

std::size_t PageMap::count_dirty(const void* start, std::size_t slices) const noexcept {
  return count(&Leaf::dirty, start, slices);
}

void PageMap::mark_stale(const void* start, std::size_t slices, bool stale) noexcept {
  mark(&Leaf::stale, start, slices, stale);
}

bool PageMap::has_stale(const void* start, std::size_t slices) const noexcept {
  return count(&Leaf::stale, start, slices) > 0;
}

// Where the dirty (or clean) slices begin that the first `end` slices from `start` end with.
std::size_t PageMap::skip_back(std::uintptr_t start, std::size_t end, bool dirty) const noexcept {
  while (end > 0) {
    const std::uintptr_t last = start + ((end - 1) << kSliceShift);
    const std::size_t bit = leaf_index(last) % kWordBits;
    const std::uint64_t word =
        leaf_of(last).dirty[leaf_index(last) / kWordBits].load(std::memory_order_relaxed);
    const std::uint64_t others = (dirty ? ~word : word) << (kWordBits - 1 - bit);
    const std::size_t in_word = end < bit + 1 ? end : bit + 1;
    const auto same = others == 0 ? kWordBits : static_cast<std::size_t>(__builtin_clzll(others));
    if (same < in_word) return end - same;
    end -= in_word;
  }
  return 0;
}

PageMap::Stretch PageMap::last_dirty(const void* start, std::size_t slices) const noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::size_t end = skip_back(address, slices, false);
  const std::size_t first = skip_back(address, end, true);
  return {.first = first, .slices = end - first};
}

void PageMap::set_huge(const void* start, std::size_t slices, bool huge) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(start);
  const std::uintptr_t end = begin + (slices << kSliceShift);
  for (std::uintptr_t page = begin / kHugePageBytes * kHugePageBytes; page < end;
       page += kHugePageBytes) {
    const std::size_t index = leaf_index(page) / kHugePageSlices;
    const std::uint64_t bit = std::uint64_t{1} << (index % kWordBits);
    std::atomic<std::uint64_t>& word = leaf_of(page).huge[index / kWordBits];
    if (huge) {
      word.fetch_or(bit, std::memory_order_relaxed);
    } else if ((word.load(std::memory_order_relaxed) & bit) != 0) {
      word.fetch_and(~bit, std::memory_order_relaxed);
    }
  }
}

bool PageMap::is_huge(const void* pointer) const noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  const std::size_t index = leaf_index(address) / kHugePageSlices;
  const std::uint64_t word =
      leaf_of(address).huge[index / kWordBits].load(std::memory_order_relaxed);
  return (word >> (index % kWordBits) & 1) != 0;
}

bool PageMap::end_object(const void* start, PageMapEntry entry) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  std::uintptr_t expected = entry.bits();
  return leaf_of(address).entries[leaf_index(address)].compare_exchange_strong(
      expected, kFreedEntry.bits(), std::memory_order_acq_rel, std::memory_order_relaxed);
}

PageMapEntry PageMap::find_back(const void* pointer) const noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  std::size_t end = leaf_index(address) + 1;
  for (std::size_t root = root_index(address) + 1; root-- > 0; end = kLeafEntries) {
    if (root_[root].load(std::memory_order_acquire) == 0) continue;
    const Leaf& leaf = leaf_of(root << (kSliceShift + kLeafBits));
    while (end-- > 0) {
      const PageMapEntry entry(leaf.entries[end].load(std::memory_order_acquire));
      if (entry.tag() != 0 && entry.tag() != kFreedTag) return entry;
    }
  }
  return {};
}

}  // namespace refmalloc

#include "allocators/reference/page_map.h"

#include "allocators/reference/os.h"

namespace refmalloc {

constinit PageMap page_map;

bool PageMap::add_leaf(std::size_t index) noexcept {
  const LockGuard guard(lock_);
  if (root_[index].load(std::memory_order_relaxed) != 0) return true;
  void* const leaf = os::map(sizeof(Leaf), kSliceBytes);
  if (leaf == nullptr) return false;
  const std::ptrdiff_t offset = static_cast<char*>(leaf) - reinterpret_cast<char*>(&empty_leaf_);
  root_[index].store(offset, std::memory_order_release);
  return true;
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
  auto address = reinterpret_cast<std::uintptr_t>(start);
  for (std::size_t i = 0; i < slices; ++i, address += kSliceBytes) {
    const std::ptrdiff_t offset = root_[root_index(address)].load(std::memory_order_relaxed);
    auto* leaf = reinterpret_cast<Leaf*>(reinterpret_cast<char*>(&empty_leaf_) + offset);
    leaf->entries[leaf_index(address)].store(entry.bits(), std::memory_order_release);
  }
}

}  // namespace refmalloc

#include "bench/heap/shadow_heap.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "bench/core/random.h"
#include "bench/heap/failure.h"
#include "bench/heap/heap.h"

namespace heapwise {
namespace {

constexpr std::size_t kLargestRequiredAlignment = alignof(std::max_align_t);

std::uint64_t pattern_of(std::uint64_t serial) {
  return SplitMix64(serial).next();
}

/// Writes the pattern from `kept` on; what lies before holds it already.
void fill(void* object, std::size_t kept, std::size_t size, std::uint64_t pattern) {
  auto* bytes = static_cast<char*>(object);
  for (std::size_t at = kept - kept % sizeof pattern; at < size; at += sizeof pattern) {
    std::memcpy(bytes + at, &pattern, std::min(sizeof pattern, size - at));
  }
}

/// Offset of the first byte that is not the pattern's, or `size`.
std::size_t first_difference(const void* object, std::size_t size, std::uint64_t pattern) {
  const auto* bytes = static_cast<const char*>(object);
  for (std::size_t at = 0; at < size; at += sizeof pattern) {
    const std::size_t length = std::min(sizeof pattern, size - at);
    if (std::memcmp(bytes + at, &pattern, length) != 0) return at;
  }
  return size;
}

/// An object must be aligned for anything that fits into it, up to the largest fundamental type.
std::size_t required_alignment(std::size_t size) {
  return std::min(std::bit_floor(std::max<std::size_t>(size, 1)), kLargestRequiredAlignment);
}

std::string describe(std::uintptr_t address, std::size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (int shift = 44; shift >= 0; shift -= 4) hex += kDigits[(address >> shift) & 15];
  return "object of " + std::to_string(size) + " bytes at 0x" + hex;
}

}  // namespace

void ShadowHeap::add(void* object, std::size_t size, std::size_t alignment, Content content) {
  const auto begin = reinterpret_cast<std::uintptr_t>(object);
  const std::lock_guard lock(mutex_);
  const auto serial = next_serial_++;
  insert(begin, {size, serial}, alignment);
  if (content == Content::kZeros) {
    if (const auto offset = first_difference(object, size, 0); offset != size) {
      fail_integrity(describe(begin, size) + " is not zero at offset " + std::to_string(offset));
    }
  }
  fill(object, 0, size, pattern_of(serial));
}

void ShadowHeap::add_resized(void* object, std::size_t size, const Object& removed) {
  const auto begin = reinterpret_cast<std::uintptr_t>(object);
  const std::lock_guard lock(mutex_);
  insert(begin, {size, removed.serial}, 1);
  const auto kept = std::min(size, removed.size);
  const auto offset = first_difference(object, kept, pattern_of(removed.serial));
  if (offset != kept) {
    fail_integrity(describe(begin, size) + ", resized from " + std::to_string(removed.size) +
                   ", lost its content at offset " + std::to_string(offset));
  }
  fill(object, kept, size, pattern_of(removed.serial));
}

void ShadowHeap::insert(std::uintptr_t begin, const Object& object, std::size_t alignment) {
  const auto size = object.size;
  const auto required = std::max(alignment, required_alignment(size));
  if (begin % required != 0) {
    fail_integrity(describe(begin, size) + " is not aligned to " + std::to_string(required));
  }
  if (const auto other = overlapping(begin, size); other != objects_.end()) {
    fail_integrity(describe(begin, size) + " overlaps the live " +
                   describe(other->first, other->second.size));
  }
  objects_.emplace(begin, object);
}

ShadowHeap::Objects::const_iterator ShadowHeap::find_intact(void* object) const {
  const auto begin = reinterpret_cast<std::uintptr_t>(object);
  const auto found = objects_.find(begin);
  if (found == objects_.end())
    fail_integrity(describe(begin, 0) + " is used or freed but not live");
  const auto& [size, serial] = found->second;
  if (const auto offset = first_difference(object, size, pattern_of(serial)); offset != size) {
    fail_integrity(describe(begin, size) + " was overwritten at offset " + std::to_string(offset));
  }
  return found;
}

ShadowHeap::Object ShadowHeap::remove(void* object) {
  const std::lock_guard lock(mutex_);
  const auto found = find_intact(object);
  const auto removed = found->second;
  objects_.erase(found);
  return removed;
}

void ShadowHeap::inspect(void* object) const {
  const std::lock_guard lock(mutex_);
  find_intact(object);
}

std::size_t ShadowHeap::live_count() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

bool ShadowHeap::is_valid() const {
  const std::lock_guard lock(mutex_);
  std::uintptr_t end = 0;
  return std::all_of(objects_.begin(), objects_.end(), [&](const auto& entry) {
    const bool apart = entry.first >= end;
    end = entry.first + entry.second.size;
    return apart;
  });
}

ShadowHeap::Objects::const_iterator ShadowHeap::overlapping(std::uintptr_t begin,
                                                            std::size_t size) const {
  const auto after = objects_.lower_bound(begin);
  if (after != objects_.end() && after->first < begin + size) return after;
  if (after != objects_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second.size > begin) return before;
  }
  return objects_.end();
}

void* CheckedHeap::allocate(std::size_t size) {
  void* object = bare::allocate(size);
  shadow_->add(object, size);
  return object;
}

void* CheckedHeap::allocate_zeroed(std::size_t size) {
  void* object = bare::allocate_zeroed(size);
  shadow_->add(object, size, 1, ShadowHeap::Content::kZeros);
  return object;
}

void* CheckedHeap::allocate_aligned(std::size_t alignment, std::size_t size) {
  void* object = bare::allocate_aligned(alignment, size);
  shadow_->add(object, size, alignment);
  return object;
}

// Forgotten before the call: realloc frees the old place, which another thread may be given at
// once.
void* CheckedHeap::reallocate(void* object, std::size_t size) {
  const auto removed = shadow_->remove(object);
  void* resized = bare::reallocate(object, size);
  shadow_->add_resized(resized, size, removed);
  return resized;
}

void* CheckedHeap::operator_new(std::size_t size) {
  void* object = bare::operator_new(size);
  shadow_->add(object, size);
  return object;
}

// The shadow has filled the whole object already, which touches more than any workload would.
void CheckedHeap::first_write(void*, std::size_t, Touch) {}

// An object keeps its pattern: that it still has it says more than another value would.
void CheckedHeap::rewrite(void* object, std::size_t) {
  shadow_->inspect(object);
}

void CheckedHeap::free(void* object) {
  shadow_->remove(object);
  std::free(object);
}

void CheckedHeap::operator_delete(void* object, std::size_t size) {
  const auto removed = shadow_->remove(object);
  if (removed.size != size) {
    fail_integrity(describe(reinterpret_cast<std::uintptr_t>(object), removed.size) +
                   " is deleted as one of " + std::to_string(size));
  }
  next_operator_delete(object, size);
}

}  // namespace heapwise

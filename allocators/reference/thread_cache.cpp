#include "allocators/reference/thread_cache.h"

#include <cassert>
#include <cstring>

namespace refmalloc {

constinit ThreadCache empty_cache;
constinit ThreadCache exited_cache;
constinit thread_local ThreadCache* thread_cache = &empty_cache;

void ThreadCache::open(Arena& home) noexcept {
  arena = &home;
  frees_until_tick = kFreesPerTick;
  void** slot = slots_;
  for (std::size_t c = 1; c <= kClassesCount; ++c) {
    *slot = nullptr;
    magazines[c] = {.top = slot + 1, .low = slot + 1, .high = slot + 1 + kFirstLimit};
    slot += magazine_limit(c) + 1;
  }
  assert(is_valid());
}

void ThreadCache::grow(std::size_t size_class) noexcept {
  Magazine& magazine = magazines[size_class];
  const std::size_t doubled = static_cast<std::size_t>(magazine.high - magazine.low) * 2;
  const std::size_t limit = magazine_limit(size_class);
  magazine.high = magazine.low + (doubled < limit ? doubled : limit);
}

// The batch comes lowest address first and is pushed in reverse, so that the thread gets rising
// addresses.
void* ThreadCache::refill(std::size_t size_class) noexcept {
  grow(size_class);
  Magazine& magazine = magazines[size_class];
  const std::size_t half = static_cast<std::size_t>(magazine.high - magazine.low) / 2;
  void* batch[kBatch];
  std::size_t taken = arena->refill(size_class, batch, half < kBatch ? half : kBatch);
  if (taken == 0) return nullptr;
  void** top = magazine.top;
  while (taken > 1) *top++ = batch[--taken];
  magazine.top = top;
  return batch[0];
}

// The entries leave the magazine before the objects leave the thread: a fork between the two finds
// them lost in the child rather than owned twice.
void ThreadCache::flush_oldest(std::size_t size_class, std::size_t count) noexcept {
  Magazine& magazine = magazines[size_class];
  assert(count <= kBatch && count <= static_cast<std::size_t>(magazine.top - magazine.low));
  void* batch[kBatch];
  std::memcpy(batch, magazine.low, count * sizeof batch[0]);
  const std::size_t kept = static_cast<std::size_t>(magazine.top - magazine.low) - count;
  std::memmove(magazine.low, magazine.low + count, kept * sizeof batch[0]);
  magazine.top -= count;
  arena->flush(size_class, batch, count);
}

void ThreadCache::push_full(std::size_t size_class, void* object) noexcept {
  Magazine& magazine = magazines[size_class];
  if (magazine.top == magazine.high) grow(size_class);
  if (magazine.top == magazine.high) {
    const std::size_t half = static_cast<std::size_t>(magazine.high - magazine.low) / 2;
    flush_oldest(size_class, half < kBatch ? half : kBatch);
  }
  *magazine.top++ = object;
}

void ThreadCache::trim() noexcept {
  for (std::size_t c = 1; c <= kClassesCount; ++c) {
    std::size_t due = (static_cast<std::size_t>(magazines[c].top - magazines[c].low) + 1) / 2;
    while (due > 0) {
      const std::size_t count = due < kBatch ? due : kBatch;
      flush_oldest(c, count);
      due -= count;
    }
  }
}

void ThreadCache::flush_all() noexcept {
  for (std::size_t c = 1; c <= kClassesCount; ++c) {
    while (magazines[c].top != magazines[c].low) {
      const auto left = static_cast<std::size_t>(magazines[c].top - magazines[c].low);
      flush_oldest(c, left < kBatch ? left : kBatch);
    }
  }
}

bool ThreadCache::is_valid() const noexcept {
  for (std::size_t c = 1; c <= kClassesCount; ++c) {
    const Magazine& magazine = magazines[c];
    if (magazine.low > magazine.top || magazine.top > magazine.high) return false;
    if (magazine.high > magazine.low + magazine_limit(c) || magazine.low[-1] != nullptr)
      return false;
  }
  return true;
}

}  // namespace refmalloc

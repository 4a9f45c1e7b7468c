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
  for (std::size_t c = 1; c <= kLastRunClass; ++c) {
    *slot = nullptr;
    const std::size_t limit = magazine_limit(c);
    const std::size_t first = limit < kFirstLimit ? limit : kFirstLimit;
    tops[c] = lows[c] = slot + 1;
    highs[c] = slot + 1 + first;
    streaks_[c] = 0;
    slot += limit + 1;
  }
  assert(is_valid());
}

void ThreadCache::open_without_magazines(Arena& home) noexcept {
  arena = &home;
  frees_until_tick = kFreesPerTick;
  abandon();
}

bool ThreadCache::is_one_sided(const Magazine& magazine) noexcept {
  return magazine.streak >= kLongStreak || magazine.streak <= -kLongStreak;
}

// How many objects a miss moves: half of what the magazine may hold, so that it can then be used
// either way, or all of it where it is always the same way. At least one, at most a batch.
std::size_t ThreadCache::batch_for(std::size_t size_class) noexcept {
  const Magazine magazine = this->magazine(size_class);
  const std::size_t room = magazine.room();
  const std::size_t share = is_one_sided(magazine) ? room : (room + 1) / 2;
  const std::size_t limit = batch_limit(size_class);
  return share < limit ? share : limit;
}

void ThreadCache::resize_after_miss(std::size_t size_class, bool full) noexcept {
  const Magazine magazine = this->magazine(size_class);
  const bool same_side = full ? magazine.streak > 0 : magazine.streak < 0;
  magazine.streak = (same_side ? magazine.streak : 0) + (full ? 1 : -1);
  const std::size_t limit = magazine_limit(size_class);
  const std::size_t batch = batch_limit(size_class);
  std::size_t room = magazine.room();
  if (!same_side || room < batch) {
    room = room * 2 < limit ? room * 2 : limit;
  } else if (is_one_sided(magazine) && room > batch) {
    const std::size_t shorter = room - batch / 2;
    room = shorter > batch ? shorter : batch;
  }
  // A full magazine that shrinks is cut below what it holds; its flush makes up for that.
  magazine.high = magazine.low + room;
}

// The batch comes lowest address first and is pushed in reverse, so that the thread gets rising
// addresses.
void* ThreadCache::refill(std::size_t size_class) noexcept {
  resize_after_miss(size_class, false);
  const Magazine magazine = this->magazine(size_class);
  void* batch[kBatch];
  std::size_t taken = arena->refill(size_class, batch, batch_for(size_class));
  if (taken == 0) return nullptr;
  void** top = magazine.top;
  while (taken > 1) *top++ = batch[--taken];
  magazine.top = top;
  return batch[0];
}

// The entries leave the magazine before the objects leave the thread: a fork between the two finds
// them lost in the child rather than owned twice.
void ThreadCache::flush_oldest(std::size_t size_class, std::size_t count) noexcept {
  const Magazine magazine = this->magazine(size_class);
  assert(count <= kBatch && count <= magazine.held());
  void* batch[kBatch];
  std::memcpy(batch, magazine.low, count * sizeof batch[0]);
  const std::size_t kept = magazine.held() - count;
  std::memmove(magazine.low, magazine.low + count, kept * sizeof batch[0]);
  magazine.top -= count;
  arena->flush(size_class, batch, count);
}

void ThreadCache::push_full(std::size_t size_class, void* object) noexcept {
  const Magazine magazine = this->magazine(size_class);
  if (magazine.top == magazine.high) {
    resize_after_miss(size_class, true);
    if (magazine.top >= magazine.high) flush_oldest(size_class, batch_for(size_class));
  }
  *magazine.top++ = object;
}

void ThreadCache::trim() noexcept {
  for (std::size_t c = 1; c <= kLastRunClass; ++c) {
    std::size_t due = (magazine(c).held() + 1) / 2;
    while (due > 0) {
      const std::size_t count = due < kBatch ? due : kBatch;
      flush_oldest(c, count);
      due -= count;
    }
  }
}

void ThreadCache::flush_all() noexcept {
  for (std::size_t c = 1; c <= kLastRunClass; ++c) {
    while (const std::size_t left = magazine(c).held()) {
      flush_oldest(c, left < kBatch ? left : kBatch);
    }
  }
}

std::size_t ThreadCache::held(std::size_t size_class) const noexcept {
  void** const top = *static_cast<void** const volatile*>(&tops[size_class]);
  void** const low = *static_cast<void** const volatile*>(&lows[size_class]);
  const auto count = static_cast<std::size_t>(top - low);
  return count <= magazine_limit(size_class) ? count : 0;  // it is being opened right now
}

bool ThreadCache::belongs_to(const Arena& home) const noexcept {
  return *static_cast<Arena* const volatile*>(&arena) == &home;
}

void ThreadCache::abandon() noexcept {
  for (std::size_t tag = 0; tag < kTags; ++tag) tops[tag] = lows[tag] = highs[tag] = nullptr;
}

bool ThreadCache::is_valid() noexcept {
  for (std::size_t c = 1; c <= kLastRunClass; ++c) {
    const Magazine magazine = this->magazine(c);
    if (magazine.low == nullptr && magazine.high == nullptr) continue;
    if (magazine.low > magazine.top || magazine.top > magazine.high) return false;
    if (magazine.high > magazine.low + magazine_limit(c) || magazine.low[-1] != nullptr)
      return false;
  }
  return true;
}

}  // namespace refmalloc

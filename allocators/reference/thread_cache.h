// A thread's magazines: one stack of pointers for each size class.
//
//   low           top              high          limit of the class
//    ▼             ▼                 ▼              ▼
//    │ p │ p │ p │                   │              │ guard │  next class …
//      oldest  newest
//
// malloc pops, free pushes; neither asks whose object it is, takes a lock or writes an atomic. Only
// a miss (empty or full) goes to the arena, for a batch. Magazines start small and double on a
// miss.
//
// Invariants: low <= top <= high <= low + limit; low[-1] is a guard that is always null, so that
// free may compare top[-1] of an empty magazine; an object is in at most one magazine. The cache of
// a thread that has none yet is empty_cache, of one that has given its own back exited_cache: their
// magazines are empty and full at the same time, and so are those of tags that are no size class.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocators/reference/arena.h"
#include "allocators/reference/page_map.h"
#include "allocators/reference/size_classes.h"

namespace refmalloc {

struct Magazine {
  void** top = nullptr;
  void** low = nullptr;
  void** high = nullptr;
};

inline constexpr std::size_t kFirstLimit = 4;
inline constexpr std::size_t kMostEntries = 128;
inline constexpr std::size_t kMagazineBytes = std::size_t{16} << 10;
inline constexpr std::size_t kFewestEntries = 8;

constexpr std::size_t magazine_limit(std::size_t size_class) {
  const std::size_t fitting = kMagazineBytes / bytes_of_class(size_class);
  if (fitting > kMostEntries) return kMostEntries;
  return fitting < kFewestEntries ? kFewestEntries : fitting;
}

constexpr std::size_t all_magazine_slots() {
  std::size_t slots = 0;
  for (std::size_t c = 1; c <= kClassesCount; ++c) slots += magazine_limit(c) + 1;
  return slots;
}

class alignas(kCacheLineBytes) ThreadCache {
 public:
  constexpr ThreadCache() = default;

  void open(Arena& arena) noexcept;

  // One object of the class, after its magazine was found empty. nullptr: no memory.
  void* refill(std::size_t size_class) noexcept;

  // Takes the object in after its magazine was found full.
  void push_full(std::size_t size_class, void* object) noexcept;

  // Gives back the older half of every magazine, so that what a thread does not use flows home.
  void trim() noexcept;

  // Gives everything back.
  void flush_all() noexcept;

  [[nodiscard]] bool is_valid() const noexcept;

  // How many frees until the thread looks at the clock.
  static constexpr std::uint32_t kFreesPerTick = 2048;

  Magazine magazines[kTags] = {};
  std::uint32_t frees_until_tick = 0;
  std::uint64_t last_trim_ns = 0;
  Arena* arena = nullptr;
  ThreadCache* next_spare = nullptr;

 private:
  void grow(std::size_t size_class) noexcept;
  void flush_oldest(std::size_t size_class, std::size_t count) noexcept;

  void* slots_[all_magazine_slots()] = {};
};

extern constinit ThreadCache empty_cache;
extern constinit ThreadCache exited_cache;
extern constinit thread_local ThreadCache* thread_cache __attribute__((tls_model("initial-exec")));

}  // namespace refmalloc

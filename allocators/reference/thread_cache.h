// A thread's magazines: one stack of pointers for each size class.
//
//   low           top              high          limit of the class
//    ▼             ▼                 ▼              ▼
//    │ p │ p │ p │                   │              │ guard │  next class …
//      oldest  newest
//
// malloc pops, free pushes; neither asks whose object it is, takes a lock or writes an atomic. Only
// a miss (empty or full) goes to the arena, for a batch.
//
// How much a magazine may hold follows from its misses. Where they change sides, the thread both
// allocates and frees, what it keeps is used again, and the magazine doubles. Where they stay on
// one side (a producer, a consumer), keeping more than a batch would only tie up memory: such a
// magazine grows to a batch at most, shrinks back to it, and nearly all of it moves at a miss.
//
// Invariants: low <= top <= high <= low + limit; low[-1] is a guard that is always null, so that
// free may compare top[-1] of an empty magazine; an object is in at most one magazine. The cache of
// a thread that has none yet is empty_cache, of one that has given its own back exited_cache: their
// magazines are empty and full at the same time, and so are those of tags that are no size class,
// and all under check=1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocators/reference/arena.h"
#include "allocators/reference/page_map.h"
#include "allocators/reference/size_classes.h"

namespace refmalloc {

// One magazine of a cache. The fields of all lie side by side, so that the short paths find them by
// the class without another step.
struct Magazine {
  void**& top;
  void**& low;
  void**& high;
  std::int64_t& streak;  // misses on one side: full ones count up, empty ones down

  [[nodiscard]] std::size_t held() const noexcept { return static_cast<std::size_t>(top - low); }
  [[nodiscard]] std::size_t room() const noexcept { return static_cast<std::size_t>(high - low); }
};

inline constexpr std::size_t kFirstLimit = 4;
inline constexpr std::size_t kMostEntries = 128;
inline constexpr std::size_t kMagazineBytes = std::size_t{16} << 10;
// Of long objects a magazine holds a few, as far as these few are not too much.
inline constexpr std::size_t kFewestEntries = 8;
inline constexpr std::size_t kFewestEntriesBytes = std::size_t{256} << 10;

constexpr std::size_t kept_bytes(std::size_t size_class) {
  return is_run_class(size_class) ? slices_of_run_class(size_class) * kSliceBytes
                                  : bytes_of_class(size_class);
}

constexpr std::size_t magazine_limit(std::size_t size_class) {
  const std::size_t bytes = kept_bytes(size_class);
  const std::size_t few = kFewestEntriesBytes / bytes;
  const std::size_t fewest = few < kFewestEntries ? few : kFewestEntries;
  const std::size_t fitting = kMagazineBytes / bytes;
  if (fitting > kMostEntries) return kMostEntries;
  return fitting < fewest ? fewest : fitting;
}

// As many objects of a class as one miss moves at most: what lies between two threads is kept to a
// page or so for each class.
inline constexpr std::size_t kBatchBytes = std::size_t{4} << 10;

constexpr std::size_t batch_limit(std::size_t size_class) {
  const std::size_t fitting = kBatchBytes / kept_bytes(size_class);
  if (fitting > kBatch) return kBatch;
  return fitting < kFewestEntries ? kFewestEntries : fitting;
}

constexpr std::size_t all_magazine_slots() {
  std::size_t slots = 0;
  for (std::size_t c = 1; c <= kLastRunClass; ++c) slots += magazine_limit(c) + 1;
  return slots;
}
static_assert(magazine_limit(kLastRunClass) > 0);

class alignas(kCacheLineBytes) ThreadCache {
 public:
  constexpr ThreadCache() = default;

  void open(Arena& arena) noexcept;

  // As `open`, with magazines that are empty and full for ever: everything takes the slow path.
  void open_without_magazines(Arena& arena) noexcept;

  // One object of the class, after its magazine was found empty. nullptr: no memory.
  void* refill(std::size_t size_class) noexcept;

  // Takes the object in after its magazine was found full.
  void push_full(std::size_t size_class, void* object) noexcept;

  // Gives back the older half of every magazine, so that what a thread does not use flows home.
  void trim() noexcept;

  // Gives everything back.
  void flush_all() noexcept;

  // The thread is gone and with it what it held: nobody knows any more which objects these are.
  void abandon() noexcept;

  // Objects in the magazine, for any thread to ask while the owner goes on. The owner writes `top`
  // without atomics, because a counter of its own would cost every malloc and free: what is read is
  // a value that it had, exact once it is quiet. The sanitizer is told that these races are meant.
  [[nodiscard, gnu::no_sanitize_thread]] std::size_t held(std::size_t size_class) const noexcept;
  [[nodiscard, gnu::no_sanitize_thread]] bool belongs_to(const Arena& home) const noexcept;

  [[nodiscard]] bool is_valid() noexcept;

  // How many frees until the thread looks at the clock, and as how many a slow call counts.
  static constexpr std::uint32_t kFreesPerTick = 2048;
  static constexpr std::uint32_t kFreesPerSlowCall = 64;

  [[nodiscard]] Magazine magazine(std::size_t size_class) noexcept {
    return {.top = tops[size_class],
            .low = lows[size_class],
            .high = highs[size_class],
            .streak = streaks_[size_class]};
  }

  void** tops[kTags] = {};
  void** lows[kTags] = {};
  void** highs[kTags] = {};
  std::uint32_t frees_until_tick = 0;
  std::uint64_t last_trim_ns = 0;
  bool leaving = false;  // the thread is running its last destructors
  Arena* arena = nullptr;
  ThreadCache* next_spare = nullptr;
  ThreadCache* older = nullptr;  // all caches there are, in the order they were made

 private:
  // So many misses on one side in a row do not come from chance.
  static constexpr std::int64_t kLongStreak = 3;

  [[nodiscard]] static bool is_one_sided(const Magazine& magazine) noexcept;
  [[nodiscard]] std::size_t batch_for(std::size_t size_class) noexcept;
  void resize_after_miss(std::size_t size_class, bool full) noexcept;
  void flush_oldest(std::size_t size_class, std::size_t count) noexcept;

  std::int64_t streaks_[kTags] = {};
  void* slots_[all_magazine_slots()] = {};
};

extern constinit ThreadCache empty_cache;
extern constinit ThreadCache exited_cache;
extern constinit thread_local ThreadCache* thread_cache __attribute__((tls_model("initial-exec")));

}  // namespace refmalloc

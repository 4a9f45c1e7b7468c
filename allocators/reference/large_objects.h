// Objects with a mapping of their own, and a bounded cache of recently freed mappings.
//
//   allocate ─▶ cached mapping that is long enough (what is too much stays cached)
//            ─▶ else the longest cached mapping, made longer by mremap: its pages are kept
//            ─▶ else a fresh mapping
//   free     ─▶ cache; the oldest go back to the system while the cache is over its bounds
//
// Live and cached mappings together stay within a sixteenth above what was live at most lately, so
// the cache hardly adds to the highest resident set. What is not used again decays.
//
// Invariants (under the lock): every mapping, live or cached, begins at a slice; at most
// kMostCached are cached, together no more than cached_limit() after each free and each fresh
// mapping; cached mappings are in no page map entry; used_bytes_ counts the mappings of live
// objects; most_used_bytes_ is at least that.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocators/reference/decay.h"
#include "allocators/reference/lock.h"
#include "allocators/reference/page_map.h"

namespace refmalloc {

struct alignas(kTags) LargeObject {
  char* start = nullptr;
  std::size_t bytes = 0;  // of the mapping
  LargeObject* older = nullptr;
  LargeObject* newer = nullptr;
  bool zeroed = false;  // a fresh mapping
  bool huge = false;    // the kernel was asked for huge pages
};

class LargeObjects {
 public:
  constexpr LargeObjects() = default;

  // nullptr when the system has no memory.
  LargeObject* allocate(std::size_t bytes, std::size_t alignment) noexcept;
  void release(LargeObject& object) noexcept;

  // Makes room for `bytes`, if need be at another address (object.start), or returns what is beyond
  // them. false: nothing changed.
  bool resize(LargeObject& object, std::size_t bytes) noexcept;

  void decay(std::uint64_t now_ns) noexcept;

  // Returns all cached mappings. true when there were any.
  bool drop_cache() noexcept;

  struct Usage {
    std::uint64_t used_bytes, cached_bytes, purges;
  };
  [[nodiscard]] Usage usage() noexcept;
  [[nodiscard]] bool is_valid() noexcept;
  [[nodiscard]] Lock& lock() noexcept { return lock_; }

 private:
  static constexpr std::size_t kMostCached = 32;
  static constexpr std::size_t kMostCachedBytes = std::size_t{128} << 20;
  static constexpr std::size_t kSlackShare = 16;
  // With thp=auto, from this length on.
  static constexpr std::size_t kHugeFromBytes = std::size_t{4} << 20;
  // Below this share of the request (1/n) moving the old pages costs more than it saves.
  static constexpr std::size_t kWorthLengthening = 4;

  [[nodiscard]] static bool wants_huge_pages(std::size_t bytes) noexcept;
  void add_used(std::size_t bytes) noexcept;
  LargeObject* new_record() noexcept;
  void keep_record(LargeObject& object) noexcept;
  void append(LargeObject& object) noexcept;
  void remove(LargeObject& object) noexcept;
  void note_use() noexcept;
  [[nodiscard]] std::size_t cached_limit() const noexcept;
  LargeObject* shortest_from(std::size_t bytes) const noexcept;
  LargeObject* longest() const noexcept;
  LargeObject* take_cached(std::size_t bytes) noexcept;
  void keep_tail(LargeObject& object, std::size_t bytes) noexcept;
  bool lengthen(LargeObject& object, std::size_t bytes) noexcept;
  LargeObject* lengthened(LargeObject& object, std::size_t bytes) noexcept;
  bool grow(LargeObject& object, std::size_t bytes) noexcept;
  bool shrink(LargeObject& object, std::size_t bytes) noexcept;
  LargeObject* map_fresh(std::size_t bytes, std::size_t alignment) noexcept;
  LargeObject* take_surplus(std::size_t most_bytes) noexcept;
  void drop_surplus() noexcept;
  LargeObject* take_oldest(std::size_t most_bytes) noexcept;
  void unmap(LargeObject& object) noexcept;

  Lock lock_;
  LargeObject* oldest_ = nullptr;
  LargeObject* newest_ = nullptr;
  LargeObject* spare_records_ = nullptr;
  std::size_t cached_count_ = 0;
  std::size_t cached_bytes_ = 0;
  std::size_t idle_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t most_used_bytes_ = 0;  // falls with what the cache gives back
  std::uint64_t purges_ = 0;
  Decay decay_;
};

extern constinit LargeObjects large_objects;

}  // namespace refmalloc

// An arena's stock of slices: hands out runs, joins what comes back, returns what stays idle.
//
//   chunk from the operating system
//   │ used │ free: dirty dirty clean │ used │ free: dirty clean clean clean …            │
//                  └─ pages still there         └─ never touched, or returned
//
// Free neighbours are always joined, whatever their slices hold, so a request that is longer than
// what was freed takes those pages and as many new ones as are missing. A run is warm when at least
// half of it is dirty. Warm runs are used before cold ones, the shortest that fits, from the
// dirtier end: resident pages need no fault. That the untouched end of a chunk is cold keeps it
// whole: as the shortest fit it would be used up although older memory is free.
//
// The run that was released last waits: a request of the same length takes it as it is; whatever
// else asks for memory, frees it or counts it settles it first.
//
// Invariants (under the lock): no two neighbouring free runs; a free run's dirty_slices is the
// number of its dirty bits; the free runs with dirty slices are exactly those on the list from
// oldest_ to newest_; idle_slices_ is the least number of dirty slices since the last decay.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocators/reference/decay.h"
#include "allocators/reference/lock.h"
#include "allocators/reference/options.h"
#include "allocators/reference/run_set.h"

namespace refmalloc {

class RunHeap {
 public:
  constexpr RunHeap() = default;

  // nullptr when the system has no memory. The caller enters the run in the page map.
  Run* allocate(std::size_t slices, std::uint8_t arena) noexcept;

  // Precondition: the caller has taken the run out of the page map.
  void release(Run& run) noexcept;

  // Makes a used run longer at its place, if the slices behind it are free.
  bool grow(Run& run, std::size_t slices) noexcept;

  // Gives the slices behind the first `slices` back.
  void shrink(Run& run, std::size_t slices) noexcept;

  // Returns what is due to the operating system.
  void decay(std::uint64_t now_ns) noexcept;

  // Returns all free memory, and the addresses of long runs. true when there was any.
  bool purge_all() noexcept;

  struct Usage {
    std::uint64_t used_slices, dirty_slices, clean_slices, purges;
  };
  [[nodiscard]] Usage usage() noexcept;
  [[nodiscard]] std::size_t dirty_slices() noexcept;
  [[nodiscard]] bool is_valid() noexcept;
  [[nodiscard]] Lock& lock() noexcept { return lock_; }

 private:
  // Address space costs nothing until it is touched, mappings and system calls do.
  static constexpr std::size_t kChunkSlices = 256;
  // Between the first chunks of two arenas.
  static constexpr std::uintptr_t kRegionBytes = std::uintptr_t{1} << 36;
  // Clean runs from this length on are unmapped instead of kept.
  static constexpr std::size_t kUnmapSlices = 2 * kChunkSlices;
  // When all free memory is to go: shorter ones would only use up the kernel's limit on mappings.
  static constexpr std::size_t kWorthUnmappingSlices = 16;
  // With thp=auto a heap that uses so much is given huge pages for what comes on top.
  static constexpr std::size_t kHugeFromUsedSlices = 512;

  // A run that is joined with its neighbours has been idle for as long as its last release.
  enum class Age { kOldest, kNewest };

  Run* new_record(std::uint8_t arena) noexcept;
  void keep_record(Run& run) noexcept;
  [[nodiscard]] bool wants_huge_pages() const noexcept;
  [[nodiscard]] void* wish_for(const Run& chunk) const noexcept;
  bool map_for(Run& chunk, std::size_t slices, bool huge) noexcept;
  bool add_chunk(std::size_t slices, std::uint8_t arena) noexcept;
  [[nodiscard]] Run* free_neighbour(const char* inside, const Run& like) const noexcept;
  void join(Run& run) noexcept;
  void insert(Run& run, Age age) noexcept;
  void remove(Run& run) noexcept;
  void note_use() noexcept;
  [[nodiscard]] static std::size_t dirty_in_front(const Run& run, std::size_t slices) noexcept;
  [[nodiscard]] static bool back_is_dirtier(const Run& run, std::size_t slices) noexcept;
  void settle() noexcept;
  Run* split(Run& run, std::size_t slices) noexcept;
  Run* take_front(Run& run, std::size_t slices) noexcept;
  Run* take_back(Run& run, std::size_t slices) noexcept;
  [[nodiscard]] static PageMap::Stretch returnable(const Run& run, bool break_huge) noexcept;
  Run* take_returnable(std::size_t most_slices, bool break_huge) noexcept;
  bool give_back(Run& run, Purge way) noexcept;
  std::size_t purge(std::size_t slices, bool break_huge, Purge way) noexcept;
  void unmap_run(Run& run) noexcept;
  [[nodiscard]] static bool is_warm(const Run& run) noexcept {
    return std::size_t{run.dirty_slices} * 2 >= run.slices;
  }
  RunSet& set_of(const Run& run) noexcept { return is_warm(run) ? warm_ : cold_; }
  [[nodiscard]] Run* best_fit(std::size_t slices) const noexcept;

  Lock lock_;
  RunSet warm_;
  RunSet cold_;
  Run* oldest_ = nullptr;
  Run* newest_ = nullptr;
  Run* unsettled_ = nullptr;
  Run* spare_records_ = nullptr;
  char* chunks_end_ = nullptr;  // of the chunk that was mapped last
  std::size_t free_dirty_slices_ = 0;
  std::size_t idle_slices_ = 0;
  std::size_t used_slices_ = 0;
  bool may_have_stale_ = false;  // since the first run that was given back with Purge::kFree
  std::uint64_t purges_ = 0;
  Decay decay_;
};

}  // namespace refmalloc

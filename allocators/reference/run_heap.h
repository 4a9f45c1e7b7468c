// An arena's stock of slices: hands out runs, joins what comes back, returns what stays idle.
//
//   chunk from the operating system
//   │ used │ dirty │ used │ clean                                   │
//            └─ free, pages still there   └─ free, never touched or purged
//
// Dirty runs are used first, since their pages need no fault. Runs are joined only with neighbours
// of their own kind, so that touched and untouched memory stay told apart.
//
// Invariants (under the lock): no two neighbouring free runs of the same kind; the dirty runs are
// exactly those on the list from oldest_ to newest_; idle_slices_ is the least number of dirty
// slices since the last decay.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocators/reference/decay.h"
#include "allocators/reference/lock.h"
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

  // Returns all free memory. true when there was any.
  bool purge_all() noexcept;

  struct Usage {
    std::uint64_t used_slices, dirty_slices, clean_slices, purges;
  };
  [[nodiscard]] Usage usage() noexcept;
  [[nodiscard]] bool is_valid() noexcept;
  [[nodiscard]] Lock& lock() noexcept { return lock_; }

 private:
  // Address space costs nothing until it is touched, mappings and system calls do.
  static constexpr std::size_t kChunkSlices = 256;
  // Clean runs from this length on are unmapped instead of kept.
  static constexpr std::size_t kUnmapSlices = 2 * kChunkSlices;

  Run* new_record(std::uint8_t arena) noexcept;
  void keep_record(Run& run) noexcept;
  Run* map_chunk(std::size_t slices, std::uint8_t arena) noexcept;
  [[nodiscard]] Run* free_neighbour(const char* inside, const Run& like) const noexcept;
  Run& joined(Run& run) noexcept;
  void insert(Run& run, RunState state) noexcept;
  void remove(Run& run) noexcept;
  Run* split(Run& run, std::size_t slices) noexcept;
  Run* take_oldest(std::size_t most_slices) noexcept;
  bool give_back(Run& run) noexcept;
  bool purge(std::size_t slices) noexcept;
  RunSet& set_of(RunState state) noexcept { return state == RunState::kDirty ? dirty_ : clean_; }

  Lock lock_;
  RunSet dirty_;
  RunSet clean_;
  Run* oldest_ = nullptr;
  Run* newest_ = nullptr;
  Run* spare_records_ = nullptr;
  std::size_t idle_slices_ = 0;
  std::size_t used_slices_ = 0;
  std::uint64_t purges_ = 0;
  Decay decay_;
};

}  // namespace refmalloc

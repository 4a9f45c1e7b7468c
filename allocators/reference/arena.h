// An arena: for each size class a bin of slabs, over one stock of slices.
//
//   threads of this arena            threads of other arenas
//      │ refill, flush (bin lock)        │ deliver: one atomic or per 64 objects
//      ▼                                 ▼
//   Bin ── partial: slabs with free objects        remote: slabs that got some, a lock-free stack
//      │ slab empty / none left
//      ▼
//   RunHeap
//
// A full slab is on no list: it comes back through the first object freed into it.
//
// Invariants (under the bin's lock): partial holds exactly the slabs of the bin that have a free
// bit; no empty slab stays; objects_out is the number of the bin's objects without a free bit. A
// slab is on `remote` exactly while its remote_queued is set.
// Lock order: bin, then runs, then page map or metadata.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocators/reference/lock.h"
#include "allocators/reference/run_heap.h"
#include "allocators/reference/slab.h"

namespace refmalloc {

// As many objects as one refill or flush moves. Larger batches lengthen the slowest call.
inline constexpr std::size_t kBatch = 32;

struct alignas(kCacheLineBytes) Bin {
  Lock lock;
  Slab* partial = nullptr;
  Slab* retired = nullptr;  // records without a run, by `next`
  std::uint64_t slabs_count = 0;
  std::uint64_t objects_out = 0;  // not free: with the program, in magazines or on their way back
  std::uint64_t refills_count = 0;
  std::atomic<std::uint64_t> flushes_count{0};         // not all flushes take the lock
  std::atomic<std::uint64_t> remote_batches_count{0};  // sent by threads of this arena
  alignas(kCacheLineBytes) std::atomic<Slab*> remote{nullptr};
};

class Arena {
 public:
  constexpr Arena() = default;

  // Takes up to `wanted` (at most kBatch) objects, of a run class one. 0: the system has no memory.
  std::size_t refill(std::size_t size_class, void** objects, std::size_t wanted) noexcept;

  // Gives back objects of one class, at most kBatch, for a thread of this arena. Objects of other
  // arenas are delivered to them.
  void flush(std::size_t size_class, void* const* objects, std::size_t count) noexcept;

  // For check=1: gives back one object of a slab of this arena, so that it is seen to be free from
  // now on; and tells whether the object is with the program. Precondition of both: the page map
  // has named the slab, and nobody keeps magazines.
  void put_at_once(Slab& slab, void* object) noexcept;
  [[nodiscard]] bool is_live(const Slab& slab, const void* object) noexcept;

  // Takes in what others delivered to bins that no thread of this arena has refilled since.
  void collect_remote() noexcept;

  // A run for one object, known to the page map.
  Run* allocate_object_run(std::size_t slices) noexcept;
  // Gives it back to the arena that it is from. Ends the process when the object is not its start.
  static void release_object_run(Run& run, const void* object) noexcept;

  RunHeap& runs() noexcept { return runs_; }
  [[nodiscard]] inline std::uint8_t index() const noexcept;

  std::atomic<std::uint32_t> threads_count{0};

  struct Usage {
    std::uint64_t slabs_count, objects_out, refills_count, flushes_count, remote_batches_count;
  };
  [[nodiscard]] Usage usage(std::size_t size_class) noexcept;

  void lock_all() noexcept;
  void unlock_all() noexcept;
  void reset_locks() noexcept;
  [[nodiscard]] bool is_valid() noexcept;

 private:
  struct Returned {
    Slab* slab;
    void* object;
  };
  void put(Bin& bin, const Returned* returned, std::size_t count) noexcept;
  static void deliver(Bin& bin, const Returned* returned, std::size_t count) noexcept;
  static void release_runs(std::size_t run_class, void* const* objects, std::size_t count) noexcept;
  static bool is_valid(const Bin& bin, std::size_t size_class, std::uint8_t index) noexcept;
  static void queue_remote(Slab& slab) noexcept;
  void absorb_all(Bin& bin) noexcept;
  Slab* open_slab(Bin& bin, std::size_t size_class) noexcept;
  void close_slab(Bin& bin, Slab& slab) noexcept;
  void after_put(Bin& bin, Slab& slab, bool was_full) noexcept;
  static void link(Bin& bin, Slab& slab) noexcept;
  static void unlink(Bin& bin, Slab& slab) noexcept;

  Bin bins_[kLastRunClass + 1] = {};  // those of the run classes only count
  RunHeap runs_;
};

// An arena is known by its place in this table.
extern constinit Arena arenas[kMostArenas];

std::uint8_t Arena::index() const noexcept {
  return static_cast<std::uint8_t>(this - arenas);
}

}  // namespace refmalloc

// The heaps of glibc's arenas other than the main one, as they look from outside of the process.
// Each arena takes its memory in heaps of one fixed size that lie at a multiple of it, opens
// (mprotect) as much as it has needed so far from below, and keeps the rest of the address space
// for later:
//
//     multiple of 64 MiB                                                     + 64 MiB
//     | header | objects, rw-p, opened so far | address space only, ---p            |
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "bench/core/units.h"

namespace heapwise {

/// HEAP_MAX_SIZE of glibc's malloc/arena.c where pointers have 64 bits: twice the largest value
/// that the dynamic mmap threshold may take. Not where heaps are of explicit huge pages
/// (hugetlb=2).
inline constexpr Bytes kArenaHeapBytes{64 * kMiB.value};

/// What a heap begins with: struct heap_info of malloc/arena.c.
struct ArenaHeapHeader {
  std::uint64_t arena = 0;             // where the arena's own record is, in its first heap
  std::uint64_t previous_heap = 0;     // of the same arena; 0 in the first one
  std::uint64_t bytes = 0;             // up to where the heap goes at present
  std::uint64_t accessible_bytes = 0;  // up to where it has gone

  /// Whether these words can be a heap's of at most `length` bytes.
  bool is_valid(std::uint64_t length) const;
};

enum class HeaderReading {
  kHeap,       // the words are a heap's
  kOther,      // they are something else, or there is no memory
  kForbidden,  // this process may not read the other's memory, which the kernel allows to fewer
               // than to look at its mappings
};

/// Reads what would be the header of a heap at `begins`. Does not stop the process; a header that
/// was swapped out comes back into memory.
HeaderReading read_arena_heap_header(pid_t process, std::uint64_t begins, std::uint64_t length,
                                     ArenaHeapHeader& header);

}  // namespace heapwise

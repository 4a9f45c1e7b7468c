// Finds the heaps of glibc's arenas among the mappings of a process (bench/program/arena_heap.h has
// their picture). Other memory may have the same shape by chance, such as the heap of another
// language's runtime: where the process's memory may be read, the header decides.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/core/units.h"
#include "bench/program/arena_heap.h"
#include "bench/program/memory_mappings.h"

namespace heapwise {

struct ArenaHeap {
  std::uint64_t begins = 0;
  Bytes opened;             // readable and writable so far; the rest is address space only
  std::uint64_t arena = 0;  // to which arena it belongs; 0 where the header could not be read

  std::uint64_t ends() const { return begins + kArenaHeapBytes.value; }
};

/// Reads the header at an address.
using HeaderReader = std::function<HeaderReading(std::uint64_t begins, ArenaHeapHeader& header)>;

/// Whether malloc or the program itself can have made it: private, and of no file.
bool is_private_anonymous(const MemoryMapping& mapping);

/// Whether its bytes can be neither read, written nor executed: address space only.
bool is_inaccessible(const MemoryMapping& mapping);

/// In the order of addresses, as `mappings` are. Where headers may not be read, the shape decides
/// if `by_shape`, and nothing is found otherwise. Only for processes whose pointers have 64 bits.
std::vector<ArenaHeap> find_arena_heaps(const std::vector<MemoryMapping>& mappings,
                                        const HeaderReader& read_header, bool by_shape);

}  // namespace heapwise

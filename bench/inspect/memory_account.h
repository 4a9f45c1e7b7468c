// The memory of a process by what it is for, from its mappings: text that the kernel wrote, so that
// everything here can be tried on texts.
//
// What can be seen from outside ends at the mapping. A large object that malloc has mapped for
// itself and memory that the program has mapped on its own look alike (kAnonymous), free and live
// objects in a heap do too, and neighbours of the same rights are one mapping. Thread stacks are
// known by the guard below them: C libraries that guard without a mapping (glibc 2.42) have theirs
// in kAnonymous.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/core/units.h"
#include "bench/inspect/arena_heaps.h"
#include "bench/program/memory_mappings.h"

namespace heapwise {

enum class MappingKind {
  kProgram,       // its own file: code, constants, globals, and the zeroed globals behind them
  kHeap,          // [heap], which brk moves: malloc's main arena
  kArenas,        // heaps of glibc's other arenas, their unused address space included
  kAnonymous,     // large objects of malloc, heaps of other allocators, the program's own mmap
  kStacks,        // of the main thread and the others, guards included
  kLibraries,     // files of which a part is code, and the zeroed globals behind them
  kFiles,         // other files
  kSharedMemory,  // memfd, /dev/shm, System V, shared anonymous memory
  kReserved,      // address space that cannot be used as it is: no memory
  kKernel,        // [vdso] and its like, put there by the kernel
};
inline constexpr std::size_t kMappingKindsCount = 10;

/// `program`, `mapped_objects`, …: the key in JSON.
std::string_view key_of(MappingKind kind);

struct MemoryUse {
  std::uint64_t mappings_count = 0;
  Bytes vsz;
  Bytes rss;
  Bytes pss;
  Bytes swap;
  Bytes transparent_huge;  // part of rss
  Bytes hugetlb;           // explicit huge pages, not part of rss

  MemoryUse& operator+=(const MemoryUse& other);
  MemoryUse& operator+=(const MemoryMapping& mapping);
};

struct ArenaUse {
  std::uint64_t heaps_count = 0;
  std::optional<std::uint64_t> arenas_count;  // nothing where headers could not be read
  Bytes opened;                               // of 64 MiB for each heap

  /// Arenas where they are known, else heaps, of which an arena has one or more.
  std::uint64_t count() const { return arenas_count.value_or(heaps_count); }
};

/// What the mappings alone do not say.
struct MappingHints {
  std::string executable;              // the process's file
  std::uint64_t threads_count = 1;     // those with a stack of their own: all but one
  Bytes thread_stack{8 * kMiB.value};  // what a thread gets that asks for nothing else
  bool arenas_by_shape = true;         // glibc's malloc answers: shape is enough
  HeaderReader read_header;            // may be empty
};

struct MemoryAccount {
  std::array<MemoryUse, kMappingKindsCount> kinds{};
  ArenaUse arenas;

  const MemoryUse& of(MappingKind kind) const { return kinds[static_cast<std::size_t>(kind)]; }
  MemoryUse& of(MappingKind kind) { return kinds[static_cast<std::size_t>(kind)]; }
  MemoryUse total() const;
};

/// The kind of each mapping, in their order.
std::vector<MappingKind> kinds_of(const std::vector<MemoryMapping>& mappings,
                                  const std::vector<ArenaHeap>& heaps, const MappingHints& hints);

/// Of mappings in the order of addresses. [vsyscall] is left out: it is no part of the process's
/// size.
MemoryAccount account_for(const std::vector<MemoryMapping>& mappings, const MappingHints& hints);

/// The stack that a thread gets by default, from the text of /proc/PID/limits.
Bytes default_thread_stack(std::string_view limits);

}  // namespace heapwise

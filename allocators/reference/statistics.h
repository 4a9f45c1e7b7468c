// What the heap has done and holds, for people and programs that look at it from outside.
//
//   os counters   ─┐
//   arenas: runs  ─┤
//           bins  ─┼─▶ whole heap (by name too) ─▶ one arena ─▶ one class of it
//   large objects ─┤
//   magazines     ─┘
//
// Every layer counts for itself, under the lock it holds anyway; here is only added up. Reading
// allocates nothing, makes no system call and takes one lock at a time, so a heap in use is seen at
// slightly different moments. The fields are those of refmalloc.h.
#pragma once

#include <cstddef>

#include "allocators/reference/refmalloc.h"

namespace refmalloc {

refmalloc_statistics statistics() noexcept;

// false when no such arena has been used, or there is no such class. Classes count from 1.
bool arena_statistics(unsigned arena, refmalloc_arena_statistics& result) noexcept;
bool class_statistics(unsigned arena, std::size_t size_class,
                      refmalloc_class_statistics& result) noexcept;

// The fields of a structure of statistics in their order, for whoever prints or looks up.
template <class Statistics>
struct Field {
  const char* name;
  unsigned long long Statistics::*value;
};

inline constexpr Field<refmalloc_statistics> kFields[] = {
    {"mapped_bytes", &refmalloc_statistics::mapped_bytes},
    {"resident_estimate_bytes", &refmalloc_statistics::resident_estimate_bytes},
    {"active_bytes", &refmalloc_statistics::active_bytes},
    {"allocated_bytes", &refmalloc_statistics::allocated_bytes},
    {"cached_bytes", &refmalloc_statistics::cached_bytes},
    {"medium_bytes", &refmalloc_statistics::medium_bytes},
    {"large_bytes", &refmalloc_statistics::large_bytes},
    {"retained_bytes", &refmalloc_statistics::retained_bytes},
    {"dirty_bytes", &refmalloc_statistics::dirty_bytes},
    {"metadata_bytes", &refmalloc_statistics::metadata_bytes},
    {"metadata_mapped_bytes", &refmalloc_statistics::metadata_mapped_bytes},
    {"mmap_count", &refmalloc_statistics::mmap_count},
    {"munmap_count", &refmalloc_statistics::munmap_count},
    {"madvise_count", &refmalloc_statistics::madvise_count},
    {"mremap_count", &refmalloc_statistics::mremap_count},
    {"refills_count", &refmalloc_statistics::refills_count},
    {"flushes_count", &refmalloc_statistics::flushes_count},
    {"remote_batches_count", &refmalloc_statistics::remote_batches_count},
    {"purges_count", &refmalloc_statistics::purges_count},
    {"slabs_count", &refmalloc_statistics::slabs_count},
    {"arenas_count", &refmalloc_statistics::arenas_count},
    {"thread_caches_count", &refmalloc_statistics::thread_caches_count},
};

inline constexpr Field<refmalloc_arena_statistics> kArenaFields[] = {
    {"threads_count", &refmalloc_arena_statistics::threads_count},
    {"mapped_bytes", &refmalloc_arena_statistics::mapped_bytes},
    {"active_bytes", &refmalloc_arena_statistics::active_bytes},
    {"medium_bytes", &refmalloc_arena_statistics::medium_bytes},
    {"retained_bytes", &refmalloc_arena_statistics::retained_bytes},
    {"dirty_bytes", &refmalloc_arena_statistics::dirty_bytes},
    {"purges_count", &refmalloc_arena_statistics::purges_count},
};

inline constexpr Field<refmalloc_class_statistics> kClassFields[] = {
    {"object_bytes", &refmalloc_class_statistics::object_bytes},
    {"slabs_count", &refmalloc_class_statistics::slabs_count},
    {"active_bytes", &refmalloc_class_statistics::active_bytes},
    {"allocated_bytes", &refmalloc_class_statistics::allocated_bytes},
    {"cached_bytes", &refmalloc_class_statistics::cached_bytes},
    {"refills_count", &refmalloc_class_statistics::refills_count},
    {"flushes_count", &refmalloc_class_statistics::flushes_count},
    {"remote_batches_count", &refmalloc_class_statistics::remote_batches_count},
};

template <class Statistics, std::size_t kCount>
constexpr bool names_every_field(const Field<Statistics> (&)[kCount]) {
  return kCount * sizeof(unsigned long long) == sizeof(Statistics);
}
static_assert(names_every_field(kFields));
static_assert(names_every_field(kArenaFields));
static_assert(names_every_field(kClassFields));

}  // namespace refmalloc

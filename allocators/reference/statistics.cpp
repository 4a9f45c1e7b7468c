#include "allocators/reference/statistics.h"

#include <cstring>

#include "allocators/reference/interface.h"
#include "allocators/reference/large_objects.h"
#include "allocators/reference/metadata.h"
#include "allocators/reference/os.h"
#include "allocators/reference/page_map.h"
#include "allocators/reference/thread_registry.h"

namespace refmalloc {

namespace {

void count_system_calls(refmalloc_statistics& result) noexcept {
  const auto read = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  result.mapped_bytes = read(os::counters.mapped_bytes);
  result.mmap_count = read(os::counters.mmap_count);
  result.munmap_count = read(os::counters.munmap_count);
  result.madvise_count = read(os::counters.madvise_count);
  result.mremap_count = read(os::counters.mremap_count);
}

void add_arena(unsigned arena, refmalloc_statistics& result) noexcept {
  refmalloc_arena_statistics runs{};
  arena_statistics(arena, runs);
  result.active_bytes += runs.active_bytes;
  result.medium_bytes += runs.medium_bytes;
  result.allocated_bytes += runs.medium_bytes;
  result.retained_bytes += runs.retained_bytes;
  result.dirty_bytes += runs.dirty_bytes;
  result.purges_count += runs.purges_count;
  for (std::size_t c = 1; c <= kLastRunClass; ++c) {
    const Arena::Usage bin = arenas[arena].usage(c);
    result.slabs_count += bin.slabs_count;
    result.allocated_bytes += bin.objects_out * kept_bytes(c);
    result.refills_count += bin.refills_count;
    result.flushes_count += bin.flushes_count;
    result.remote_batches_count += bin.remote_batches_count;
  }
}

void add_large_objects(refmalloc_statistics& result) noexcept {
  const LargeObjects::Usage large = large_objects.usage();
  result.large_bytes = large.used_bytes;
  result.active_bytes += large.used_bytes;
  result.allocated_bytes += large.used_bytes;
  result.retained_bytes += large.cached_bytes;
  result.dirty_bytes += large.cached_bytes;
  result.purges_count += large.purges;
}

void add_magazines(refmalloc_statistics& result) noexcept {
  const ThreadCache* cache = thread_registry.newest_cache();
  for (; cache != nullptr; cache = cache->older) {
    ++result.thread_caches_count;
    for (std::size_t c = 1; c <= kLastRunClass; ++c) {
      result.cached_bytes += cache->held(c) * kept_bytes(c);
    }
  }
}

std::uint64_t held_by_threads_of(unsigned arena, std::size_t size_class) noexcept {
  std::uint64_t objects = 0;
  const ThreadCache* cache = thread_registry.newest_cache();
  for (; cache != nullptr; cache = cache->older) {
    if (cache->belongs_to(arenas[arena])) objects += cache->held(size_class);
  }
  return objects;
}

}  // namespace

refmalloc_statistics statistics() noexcept {
  refmalloc_statistics result{};
  result.arenas_count = thread_registry.arenas_in_use();
  for (unsigned i = 0; i < result.arenas_count; ++i) add_arena(i, result);
  add_large_objects(result);
  add_magazines(result);
  result.metadata_bytes = metadata.used_bytes();
  result.metadata_mapped_bytes = metadata.mapped_bytes() + page_map.mapped_bytes();
  result.resident_estimate_bytes = result.active_bytes + result.dirty_bytes + result.metadata_bytes;
  count_system_calls(result);
  return result;
}

bool arena_statistics(unsigned arena, refmalloc_arena_statistics& result) noexcept {
  if (arena >= thread_registry.arenas_in_use()) return false;
  const RunHeap::Usage runs = arenas[arena].runs().usage();
  std::uint64_t slab_slices = 0;
  for (std::size_t c = 1; c <= kClassesCount; ++c) {
    slab_slices += arenas[arena].usage(c).slabs_count * kClassShapes[c].slices;
  }
  // A slab that was opened in between would make the difference negative.
  const std::uint64_t medium_slices =
      runs.used_slices > slab_slices ? runs.used_slices - slab_slices : 0;
  const std::uint64_t free_slices = runs.dirty_slices + runs.clean_slices;
  result = {.threads_count = arenas[arena].threads_count.load(std::memory_order_relaxed),
            .mapped_bytes = (runs.used_slices + free_slices) << kSliceShift,
            .active_bytes = runs.used_slices << kSliceShift,
            .medium_bytes = medium_slices << kSliceShift,
            .retained_bytes = free_slices << kSliceShift,
            .dirty_bytes = runs.dirty_slices << kSliceShift,
            .purges_count = runs.purges};
  return true;
}

bool class_statistics(unsigned arena, std::size_t size_class,
                      refmalloc_class_statistics& result) noexcept {
  if (arena >= thread_registry.arenas_in_use()) return false;
  if (size_class == 0 || size_class > kLastRunClass) return false;
  const Arena::Usage bin = arenas[arena].usage(size_class);
  const std::size_t bytes = kept_bytes(size_class);
  const std::size_t slab_slices = is_run_class(size_class) ? 0 : kClassShapes[size_class].slices;
  result = {.object_bytes = bytes,
            .slabs_count = bin.slabs_count,
            .active_bytes = (bin.slabs_count * slab_slices) << kSliceShift,
            .allocated_bytes = bin.objects_out * bytes,
            .cached_bytes = held_by_threads_of(arena, size_class) * bytes,
            .refills_count = bin.refills_count,
            .flushes_count = bin.flushes_count,
            .remote_batches_count = bin.remote_batches_count};
  return true;
}

}  // namespace refmalloc

extern "C" {

REFMALLOC_EXPORT void refmalloc_stats(refmalloc_statistics* statistics) {
  *statistics = refmalloc::statistics();
}

REFMALLOC_EXPORT long long refmalloc_statistic(const char* name) {
  for (const auto& field : refmalloc::kFields) {
    if (std::strcmp(field.name, name) == 0) {
      return static_cast<long long>(refmalloc::statistics().*field.value);
    }
  }
  return -1;
}

REFMALLOC_EXPORT int refmalloc_arena_stats(unsigned arena, refmalloc_arena_statistics* statistics) {
  return refmalloc::arena_statistics(arena, *statistics) ? 1 : 0;
}

REFMALLOC_EXPORT int refmalloc_class_stats(unsigned arena, unsigned size_class,
                                           refmalloc_class_statistics* statistics) {
  return refmalloc::class_statistics(arena, size_class, *statistics) ? 1 : 0;
}

}  // extern "C"

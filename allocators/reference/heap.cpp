#include "allocators/reference/heap.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "allocators/reference/faults.h"
#include "allocators/reference/fork.h"
#include "allocators/reference/large_objects.h"
#include "allocators/reference/options.h"
#include "allocators/reference/os.h"
#include "allocators/reference/purger.h"
#include "allocators/reference/thread_registry.h"

namespace refmalloc {

namespace {

bool is_checking() noexcept {
  return options.get(Option::kCheck) != 0;
}

bool is_object_tag(std::size_t tag) noexcept {
  return tag != 0 && tag != kFreedTag && tag != kFreeRunTag;
}

void* out_of_memory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

// The clock is read on some slow paths only, as it costs more than the rest of one.
void look_at_the_clock(ThreadCache* cache) noexcept {
  if (cache != nullptr && cache->frees_until_tick > ThreadCache::kFreesPerSlowCall) {
    cache->frees_until_tick -= ThreadCache::kFreesPerSlowCall;
    return;
  }
  const std::uint64_t now_ns = os::coarse_nanoseconds();
  if (cache != nullptr) {
    cache->frees_until_tick = ThreadCache::kFreesPerTick;
    if (now_ns - cache->last_trim_ns >= Purger::interval_ns()) {
      cache->last_trim_ns = now_ns;
      cache->trim();
    }
  }
  purger.tick(now_ns);
}

// Called without locks on every path that is slow anyway: time passes only here.
void tick(ThreadCache* cache) noexcept {
  look_at_the_clock(cache);
  purger.notice();
}

__attribute__((constructor)) void start() noexcept {
  thread_registry.initialise();
  // The first request may have come before the C library knew the environment.
  options.load_environment();
  thread_registry.settle();
  thread_registry.after_close = [] { purger.notice(); };
  register_fork_handlers();
}

void* take_from_class(ThreadCache* cache, std::size_t size_class) noexcept {
  if (cache != nullptr && !is_checking()) return cache->refill(size_class);
  Arena& arena = cache != nullptr ? *cache->arena : thread_registry.fallback_arena();
  void* object = nullptr;
  arena.refill(size_class, &object, 1);
  return object;
}

Run* allocate_medium(ThreadCache* cache, std::size_t bytes) noexcept {
  Arena& arena = cache != nullptr ? *cache->arena : thread_registry.fallback_arena();
  return arena.allocate_object_run(std::max(slices_for(bytes), kFewestRunSlices));
}

struct Placement {
  void* start = nullptr;
  bool zeroed = false;
};

Placement place_once(ThreadCache* cache, std::size_t bytes, std::size_t alignment) noexcept {
  if (alignment <= kSliceBytes && bytes < options.get(Option::kMmapThreshold)) {
    const Run* const run = allocate_medium(cache, bytes);
    return run == nullptr ? Placement{} : Placement{run->start, run->zeroed};
  }
  const LargeObject* const object = large_objects.allocate(bytes, alignment);
  return object == nullptr ? Placement{} : Placement{object->start, object->zeroed};
}

// An object of whole slices; its start is nullptr when there is no memory.
Placement place(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > kLargestRequest || alignment > kLargestRequest - bytes) return {};
  ThreadCache* const cache = thread_registry.cache_of_this_thread();
  tick(cache);
  // One byte at least, so that every object has an address of its own.
  bytes = std::max<std::size_t>(bytes, 1);
  Placement placement = place_once(cache, bytes, alignment);
  if (placement.start == nullptr && purger.purge_all())
    placement = place_once(cache, bytes, alignment);
  return placement;
}

void release_large(LargeObject& large, const void* object) noexcept {
  if (large.start != object) abort_over_pointer(kFreeCall, object);
  large_objects.release(large);
}

void release_small(ThreadCache* cache, PageMapEntry entry, void* object) noexcept {
  const std::size_t size_class = entry.tag();
  if (is_checking()) {
    Slab& slab = *entry.record<Slab>();
    arenas[slab.arena()].put_at_once(slab, object);
    return;
  }
  if (cache == nullptr) {
    thread_registry.fallback_arena().flush(size_class, &object, 1);
    return;
  }
  if (cache->tops[size_class][-1] == object) abort_over("double free", object);
  cache->push_full(size_class, object);
}

void* resize_run(Run& run, std::size_t bytes) noexcept {
  if (bytes <= kLargestClassBytes) return nullptr;
  const std::size_t slices = slices_for(bytes);
  RunHeap& runs = arenas[run.arena].runs();
  if (slices_for(with_slack(bytes)) < run.slices) {
    runs.shrink(run, slices);
  } else if (slices > run.slices) {
    const bool stays_medium = bytes < options.get(Option::kMmapThreshold);
    if (!stays_medium || !runs.grow(run, slices)) return nullptr;
  }
  page_map.set(run.start, PageMapEntry(&run, tag_of_run(run.slices)));
  return run.start;
}

// The object at its place with room for `bytes`, or nullptr when it has to move. An object that
// would leave more than half of its room unused moves, to give the room back.
void* resize_in_place(void* object, PageMapEntry entry, std::size_t bytes) noexcept {
  if (entry.tag() == kLargeTag) {
    LargeObject* const large = entry.record<LargeObject>();
    if (bytes <= kLargestClassBytes) return nullptr;
    return large_objects.resize(*large, bytes) ? large->start : nullptr;
  }
  if (is_run_tag(entry.tag())) return resize_run(*entry.record<Run>(), bytes);
  const std::size_t room = kClassShapes[entry.tag()].bytes;
  return bytes <= room && bytes >= room / 2 ? object : nullptr;
}

std::size_t room_of(PageMapEntry entry) noexcept {
  if (is_run_tag(entry.tag())) return entry.record<Run>()->bytes();
  switch (entry.tag()) {
    case 0:
    case kFreedTag:
    case kFreeRunTag:
      return 0;
    case kLargeTag:
      return entry.record<LargeObject>()->bytes;
    default:
      return kClassShapes[entry.tag()].bytes;
  }
}

// The entry of an object, or the process ends. Only under check=1 is a freed object in a slab
// known.
PageMapEntry expect_object(const Call& call, const void* object) noexcept {
  const PageMapEntry entry = page_map.find(object);
  bool is_object = owns(object);
  if (is_object && is_checking() && entry.tag() <= kClassesCount) {
    const Slab& slab = *entry.record<Slab>();
    is_object = arenas[slab.arena()].is_live(slab, object);
  }
  if (!is_object) abort_over_pointer(call, object);
  return entry;
}

// An object may have been shortened at its place by realloc, and aligned ones are larger than asked
// for: only what cannot be is a fault.
bool may_have_size(PageMapEntry entry, SizeHint hint) noexcept {
  const std::size_t room = room_of(entry);
  if (hint.bytes > room) return false;
  if (hint.alignment > kMinimumAlignment) return true;
  if (entry.tag() > kClassesCount) return hint.bytes > kLargestClassBytes;
  return hint.bytes >= room / 2 || class_of_bytes(hint.bytes) == entry.tag();
}

// What is no object is left to who frees it.
void expect_size(const void* object, PageMapEntry entry, SizeHint hint) noexcept {
  if (hint.bytes == SIZE_MAX || !owns(object)) return;
  if (!may_have_size(entry, hint)) abort_over("sized free with a wrong size", object);
  const std::size_t below = hint.alignment == 0 ? 0 : hint.alignment - 1;
  if ((reinterpret_cast<std::uintptr_t>(object) & below) != 0) {
    abort_over("sized free with a wrong alignment", object);
  }
}

// A new place for an object of `old_bytes`. Copying a long one again at every small step would cost
// more than the room for a few.
void* allocate_for_move(std::size_t old_bytes, std::size_t bytes) noexcept {
  if (bytes <= old_bytes || old_bytes <= kLargestClassBytes) return allocate(bytes);
  const int saved = errno;
  void* const roomy = allocate(with_slack(bytes));
  if (roomy != nullptr) return roomy;
  errno = saved;
  return allocate(bytes);
}

}  // namespace

void* allocate_after_miss(std::size_t size_class) noexcept {
  ThreadCache* const cache = thread_registry.cache_of_this_thread();
  tick(cache);
  void* object = take_from_class(cache, size_class);
  if (object == nullptr && purger.purge_all()) object = take_from_class(cache, size_class);
  return object != nullptr ? object : out_of_memory();
}

// Apart, so that the short path before it saves no registers.
__attribute__((noinline)) static void* allocate_whole_slices(std::size_t bytes) noexcept {
  const Placement placement = place(bytes, kMinimumAlignment);
  return placement.start != nullptr ? placement.start : out_of_memory();
}

void* allocate_beyond_classes(std::size_t bytes) noexcept {
  const std::size_t slices = slices_for(bytes);
  if (slices <= kMostKeptRunSlices && bytes < options.get(Option::kMmapThreshold)) {
    return pop(run_class_of(slices));
  }
  return allocate_whole_slices(bytes);
}

void deallocate_slowly(void* object, PageMapEntry entry, SizeHint hint) noexcept {
  if (object == nullptr) return;
  const std::size_t tag = entry.tag();
  if (!is_object_tag(tag)) abort_over_pointer(kFreeCall, object);
  if (is_checking()) expect_size(object, entry, hint);
  ThreadCache* const cache = thread_registry.cache_of_this_thread();
  if (tag == kMediumTag || (is_checking() && is_run_tag(entry.tag()))) {
    Arena::release_object_run(*entry.record<Run>(), object);
  } else if (tag == kLargeTag) {
    release_large(*entry.record<LargeObject>(), object);
  } else {
    release_small(cache, entry, object);
  }
  tick(cache);
}

void* allocate_zeroed(std::size_t count, std::size_t bytes) noexcept {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) return out_of_memory();
  if (total <= kLargestClassBytes) {
    void* const object = allocate(total);
    return object == nullptr ? nullptr : std::memset(object, 0, total);
  }
  const Placement placement = place(total, kMinimumAlignment);
  if (placement.start == nullptr) return out_of_memory();
  return placement.zeroed ? placement.start : std::memset(placement.start, 0, total);
}

void* allocate_aligned(std::size_t bytes, std::size_t alignment) noexcept {
  if (alignment <= kMinimumAlignment) return allocate(bytes);
  const std::size_t size_class = class_of_aligned(bytes, alignment);
  if (size_class != 0) return allocate(bytes_of_class(size_class));
  const Placement placement = place(bytes, alignment);
  return placement.start != nullptr ? placement.start : out_of_memory();
}

void* reallocate(void* object, std::size_t bytes) noexcept {
  if (object == nullptr) return allocate(bytes);
  if (bytes == 0) {
    deallocate(object);
    return nullptr;
  }
  if (bytes > kLargestRequest) return out_of_memory();
  const PageMapEntry entry = expect_object(kReallocCall, object);
  const std::size_t old_bytes = room_of(entry);
  void* const same = resize_in_place(object, entry, bytes);
  if (same != nullptr) {
    purger.notice();
    return same;
  }
  void* const moved = allocate_for_move(old_bytes, bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, object, std::min(old_bytes, bytes));
  deallocate(object);
  return moved;
}

std::size_t usable_bytes(const void* object) noexcept {
  if (is_checking() && object != nullptr) return room_of(expect_object(kUsableSizeCall, object));
  return room_of(page_map.find(object));
}

bool owns(const void* object) noexcept {
  const PageMapEntry entry = page_map.find(object);
  if (is_run_tag(entry.tag())) return entry.record<Run>()->start == object;
  switch (entry.tag()) {
    case 0:
    case kFreedTag:
    case kFreeRunTag:
      return false;
    case kLargeTag:
      return entry.record<LargeObject>()->start == object;
    default:
      return entry.record<Slab>()->begins_object(object);
  }
}

bool trim() noexcept {
  ThreadCache* const cache = thread_registry.cache_of_this_thread();
  if (cache != nullptr) cache->flush_all();
  return purger.purge_all();
}

bool heap_is_valid() noexcept {
  for (unsigned i = 0; i < thread_registry.arenas_in_use(); ++i) {
    if (!arenas[i].is_valid()) return false;
  }
  ThreadCache* const cache = thread_cache;
  if (cache != &empty_cache && cache != &exited_cache && !cache->is_valid()) return false;
  return large_objects.is_valid();
}

}  // namespace refmalloc

#include "allocators/reference/arena.h"

#include <cassert>
#include <new>

#include "allocators/reference/faults.h"
#include "allocators/reference/message.h"
#include "allocators/reference/metadata.h"
#include "allocators/reference/remote_batch.h"

namespace refmalloc {

constinit Arena arenas[kMostArenas];

void Arena::link(Bin& bin, Slab& slab) noexcept {
  slab.previous = nullptr;
  slab.next = bin.partial;
  if (bin.partial != nullptr) bin.partial->previous = &slab;
  bin.partial = &slab;
}

void Arena::unlink(Bin& bin, Slab& slab) noexcept {
  if (slab.next != nullptr) slab.next->previous = slab.previous;
  (slab.previous != nullptr ? slab.previous->next : bin.partial) = slab.next;
}

// The new slab is on the bin's list. nullptr when the system has no memory.
Slab* Arena::open_slab(Bin& bin, std::size_t size_class) noexcept {
  Slab* slab = bin.retired;
  if (slab != nullptr) {
    bin.retired = slab->next;
  } else {
    void* const memory = metadata.allocate(Slab::record_bytes(size_class));
    if (memory == nullptr) return nullptr;
    slab = new (memory) Slab(size_class, index());
  }
  Run* const run = runs_.allocate(kClassShapes[size_class].slices, index());
  if (run == nullptr) {
    slab->next = bin.retired;
    bin.retired = slab;
    return nullptr;
  }
  slab->open(*run);
  page_map.set(run->start, run->slices, PageMapEntry(slab, size_class));
  link(bin, *slab);
  ++bin.slabs_count;
  return slab;
}

void Arena::close_slab(Bin& bin, Slab& slab) noexcept {
  slab.expect_nothing_delivered();
  assert(slab.is_empty() && slab.is_valid());
  unlink(bin, slab);
  page_map.set(slab.run()->start, slab.run()->slices, kFreedEntry);
  runs_.release(*slab.run());
  slab.next = bin.retired;
  bin.retired = &slab;
  --bin.slabs_count;
}

void Arena::after_put(Bin& bin, Slab& slab, bool was_full) noexcept {
  if (was_full) link(bin, slab);
  if (slab.is_empty()) close_slab(bin, slab);
}

// The slab may have retired since objects were delivered to it, but its record keeps its arena and
// its class.
void Arena::queue_remote(Slab& slab) noexcept {
  Bin& bin = arenas[slab.arena()].bins_[slab.size_class()];
  Slab* head = bin.remote.load(std::memory_order_relaxed);
  do {
    slab.remote_next = head;
  } while (!bin.remote.compare_exchange_weak(head, &slab, std::memory_order_release,
                                             std::memory_order_relaxed));
}

// A slab found here may have retired since it was queued; it then has nothing to absorb.
void Arena::absorb_all(Bin& bin) noexcept {
  Slab* slab = bin.remote.exchange(nullptr, std::memory_order_acquire);
  while (slab != nullptr) {
    Slab* const next = slab->remote_next;
    const bool was_full = slab->is_full();
    const std::size_t absorbed = slab->absorb_remote();
    bin.objects_out -= absorbed;
    if (absorbed > 0) after_put(bin, *slab, was_full);
    slab = next;
  }
}

Run* Arena::allocate_object_run(std::size_t slices) noexcept {
  Run* const run = runs_.allocate(slices, index());
  if (run != nullptr) page_map.set(run->start, PageMapEntry(run, tag_of_run(run->slices)));
  return run;
}

std::size_t Arena::refill(std::size_t size_class, void** objects, std::size_t wanted) noexcept {
  Bin& bin = bins_[size_class];
  const LockGuard guard(bin.lock);
  ++bin.refills_count;
  if (is_run_class(size_class)) {
    const Run* const run = allocate_object_run(slices_of_run_class(size_class));
    if (run == nullptr) return 0;
    objects[0] = run->start;
    return 1;
  }
  if (bin.remote.load(std::memory_order_relaxed) != nullptr) absorb_all(bin);
  std::size_t taken = 0;
  while (taken < wanted) {
    Slab* slab = bin.partial;
    // A new slab is not worth its system calls as long as the thread can go on.
    if (slab == nullptr && taken > 0) break;
    if (slab == nullptr) slab = open_slab(bin, size_class);
    if (slab == nullptr) break;
    taken += slab->take(objects + taken, wanted - taken);
    if (slab->is_full()) unlink(bin, *slab);
  }
  bin.objects_out += taken;
  return taken;
}

void Arena::release_runs(std::size_t run_class, void* const* objects, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const PageMapEntry entry = page_map.find(objects[i]);
    if (entry.tag() != run_class) [[unlikely]]
      abort_over("double free, its memory is free", objects[i]);
    release_object_run(*entry.record<Run>(), objects[i]);
  }
}

void Arena::flush(std::size_t size_class, void* const* objects, std::size_t count) noexcept {
  Bin& bin = bins_[size_class];
  bin.flushes_count.fetch_add(1, std::memory_order_relaxed);
  assert(count <= kBatch);
  if (is_run_class(size_class)) return release_runs(size_class, objects, count);
  // Objects of this arena from the front, those of others from the back.
  Returned returned[kBatch];
  std::size_t own = 0;
  std::size_t foreign = count;
  for (std::size_t i = 0; i < count; ++i) {
    const PageMapEntry entry = page_map.find(objects[i]);
    if (entry.tag() != size_class) [[unlikely]]
      abort_over("double free, its slab is gone", objects[i]);
    Slab* const slab = entry.record<Slab>();
    returned[slab->arena() == index() ? own++ : --foreign] = {.slab = slab, .object = objects[i]};
  }
  if (foreign < count) deliver(bin, returned + foreign, count - foreign);
  if (own > 0) put(bin, returned, own);
}

void Arena::deliver(Bin& bin, const Returned* returned, std::size_t count) noexcept {
  RemoteBatch batch(bin.remote_batches_count, &Arena::queue_remote);
  for (std::size_t i = 0; i < count; ++i) batch.add(*returned[i].slab, returned[i].object);
}

void Arena::put(Bin& bin, const Returned* returned, std::size_t count) noexcept {
  const LockGuard guard(bin.lock);
  bin.objects_out -= count;
  for (std::size_t i = 0; i < count; ++i) {
    Slab& slab = *returned[i].slab;
    const bool was_full = slab.is_full();
    slab.put(returned[i].object);
    after_put(bin, slab, was_full);
  }
}

void Arena::release_object_run(Run& run, const void* object) noexcept {
  if (run.start != object) abort_over_pointer(kFreeCall, object);
  if (!page_map.end_object(object, PageMapEntry(&run, tag_of_run(run.slices)))) [[unlikely]]
    abort_over("double free", object);
  arenas[run.arena].runs().release(run);
}

// The slab may have retired, or even been opened elsewhere, before its bin was locked.
void Arena::put_at_once(Slab& slab, void* object) noexcept {
  Bin& bin = bins_[slab.size_class()];
  bin.flushes_count.fetch_add(1, std::memory_order_relaxed);
  const LockGuard guard(bin.lock);
  if (page_map.find(object).record<Slab>() != &slab) abort_over("double free", object);
  const bool was_full = slab.is_full();
  slab.put(object);
  --bin.objects_out;
  after_put(bin, slab, was_full);
}

bool Arena::is_live(const Slab& slab, const void* object) noexcept {
  const LockGuard guard(bins_[slab.size_class()].lock);
  return page_map.find(object).record<Slab>() == &slab && slab.begins_object(object) &&
         slab.is_taken(object);
}

void Arena::collect_remote() noexcept {
  for (Bin& bin : bins_) {
    if (bin.remote.load(std::memory_order_relaxed) == nullptr) continue;
    const LockGuard guard(bin.lock);
    absorb_all(bin);
  }
}

void Arena::lock_all() noexcept {
  for (Bin& bin : bins_) bin.lock.lock();
  runs_.lock().lock();
}

void Arena::unlock_all() noexcept {
  runs_.lock().unlock();
  for (Bin& bin : bins_) bin.lock.unlock();
}

void Arena::reset_locks() noexcept {
  runs_.lock().reset();
  for (Bin& bin : bins_) bin.lock.reset();
}

Arena::Usage Arena::usage(std::size_t size_class) noexcept {
  Bin& bin = bins_[size_class];
  const LockGuard guard(bin.lock);
  return {.slabs_count = bin.slabs_count,
          .objects_out = bin.objects_out,
          .refills_count = bin.refills_count,
          .flushes_count = bin.flushes_count.load(std::memory_order_relaxed),
          .remote_batches_count = bin.remote_batches_count.load(std::memory_order_relaxed)};
}

bool Arena::is_valid(const Bin& bin, std::size_t size_class, std::uint8_t index) noexcept {
  const Slab* previous = nullptr;
  std::uint64_t objects = bin.objects_out;
  for (const Slab* slab = bin.partial; slab != nullptr; slab = slab->next) {
    if (slab->previous != previous || slab->is_full() || slab->is_empty()) return false;
    if (slab->arena() != index || !slab->is_valid()) return false;
    objects += slab->free_objects();
    previous = slab;
  }
  return objects == bin.slabs_count * kClassShapes[size_class].objects;
}

bool Arena::is_valid() noexcept {
  for (std::size_t c = 1; c <= kClassesCount; ++c) {
    const LockGuard guard(bins_[c].lock);
    if (!is_valid(bins_[c], c, index())) return false;
  }
  return runs_.is_valid();
}

}  // namespace refmalloc

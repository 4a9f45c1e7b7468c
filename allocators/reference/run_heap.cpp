#include "allocators/reference/run_heap.h"

#include <new>
#include <utility>

#include "allocators/reference/metadata.h"
#include "allocators/reference/options.h"
#include "allocators/reference/os.h"

namespace refmalloc {

Run* RunHeap::new_record(std::uint8_t arena) noexcept {
  Run* record = spare_records_;
  if (record != nullptr) {
    spare_records_ = record->bin_next;
  } else {
    void* const memory = metadata.allocate(sizeof(Run));
    if (memory == nullptr) return nullptr;
    record = new (memory) Run;
    record->arena = arena;
  }
  record->state = RunState::kUsed;
  return record;
}

void RunHeap::keep_record(Run& run) noexcept {
  run.state = RunState::kUsed;
  run.bin_next = spare_records_;
  spare_records_ = &run;
}

bool RunHeap::wants_huge_pages() const noexcept {
  switch (options.huge_pages()) {
    case HugePages::kNever:
      return false;
    case HugePages::kAlways:
      return true;
    case HugePages::kAuto:
      break;
  }
  return used_slices_ >= kHugeFromUsedSlices;
}

// Right behind the last chunk, so that both are one free run. The first lies far below everything
// else, with room above for those to come.
void* RunHeap::wish_for(const Run& chunk) const noexcept {
  if (chunks_end_ != nullptr) return chunks_end_;
  const auto here = reinterpret_cast<std::uintptr_t>(&chunk) / kHugePageBytes * kHugePageBytes;
  return reinterpret_cast<void*>(here - (std::uintptr_t{chunk.arena} + 1) * kRegionBytes);
}

// Fresh memory for the record. false: no memory, nothing is left behind.
bool RunHeap::map_for(Run& chunk, std::size_t slices, bool huge) noexcept {
  chunk.slices = slices;
  const std::size_t alignment = huge ? kHugePageBytes : kSliceBytes;
  chunk.start = static_cast<char*>(os::map(chunk.bytes(), alignment, wish_for(chunk)));
  if (chunk.start == nullptr) return false;
  if (!page_map.cover(chunk.start, chunk.bytes())) {
    os::unmap(chunk.start, chunk.bytes());
    return false;
  }
  if (huge) huge = os::advise_huge(chunk.start, chunk.bytes(), true);
  // The system may use huge pages unasked.
  if (options.huge_pages() == HugePages::kNever) {
    os::advise_huge(chunk.start, chunk.bytes(), false);
  }
  page_map.set_huge(chunk.start, chunk.slices, huge);
  page_map.mark_clean(chunk.start, chunk.slices);
  chunks_end_ = chunk.end();
  return true;
}

// A chunk is a clean run like any other; nothing remembers where it began.
bool RunHeap::add_chunk(std::size_t slices, std::uint8_t arena) noexcept {
  Run* const chunk = new_record(arena);
  if (chunk == nullptr) return false;
  chunk->dirty_slices = 0;
  // Under an address space limit the request itself may still fit.
  if (!map_for(*chunk, round_up(slices, kChunkSlices), wants_huge_pages()) &&
      !map_for(*chunk, slices, false)) {
    keep_record(*chunk);
    return false;
  }
  insert(*chunk, Age::kNewest);
  return true;
}

// The free run of the same arena that the address belongs to, which must be its first or last
// slice. The record's arena can be read without the other arena's lock: it never changes.
Run* RunHeap::free_neighbour(const char* inside, const Run& like) const noexcept {
  const PageMapEntry entry = page_map.find(inside);
  if (entry.tag() != kFreeRunTag) return nullptr;
  Run* const run = entry.record<Run>();
  return run->arena == like.arena ? run : nullptr;
}

void RunHeap::join(Run& run) noexcept {
  if (Run* const before = free_neighbour(run.start - 1, run); before != nullptr) {
    remove(*before);
    run.start = before->start;
    run.slices += before->slices;
    run.dirty_slices += before->dirty_slices;
    keep_record(*before);
  }
  if (Run* const behind = free_neighbour(run.end(), run); behind != nullptr) {
    remove(*behind);
    run.slices += behind->slices;
    run.dirty_slices += behind->dirty_slices;
    keep_record(*behind);
  }
}

// Precondition: dirty_slices says what the dirty bits of the run say.
void RunHeap::insert(Run& run, Age age) noexcept {
  join(run);
  run.state = RunState::kFree;
  set_of(run).insert(run);
  page_map.set(run.start, PageMapEntry(&run, kFreeRunTag));
  page_map.set(run.end() - kSliceBytes, PageMapEntry(&run, kFreeRunTag));
  if (run.dirty_slices == 0) return;
  free_dirty_slices_ += run.dirty_slices;
  run.older = age == Age::kNewest ? newest_ : nullptr;
  run.newer = age == Age::kNewest ? nullptr : oldest_;
  (run.older != nullptr ? run.older->newer : oldest_) = &run;
  (run.newer != nullptr ? run.newer->older : newest_) = &run;
}

void RunHeap::remove(Run& run) noexcept {
  set_of(run).remove(run);
  run.state = RunState::kUsed;
  page_map.clear(run.start);
  page_map.clear(run.end() - kSliceBytes);
  if (run.dirty_slices == 0) return;
  (run.older != nullptr ? run.older->newer : oldest_) = run.newer;
  (run.newer != nullptr ? run.newer->older : newest_) = run.older;
  free_dirty_slices_ -= run.dirty_slices;
}

// Called once what is left of a run that was taken out has been put back.
void RunHeap::note_use() noexcept {
  if (free_dirty_slices_ < idle_slices_) idle_slices_ = free_dirty_slices_;
}

// How many of a run's first slices are dirty.
std::size_t RunHeap::dirty_in_front(const Run& run, std::size_t slices) noexcept {
  if (run.dirty_slices == run.slices) return slices;
  return run.dirty_slices == 0 ? 0 : page_map.count_dirty(run.start, slices);
}

bool RunHeap::back_is_dirtier(const Run& run, std::size_t slices) noexcept {
  if (run.dirty_slices == 0 || run.dirty_slices == run.slices) return false;
  const std::size_t front = dirty_in_front(run, slices);
  if (front * 2 >= run.dirty_slices) return false;
  return run.dirty_slices - dirty_in_front(run, run.slices - slices) > front;
}

// Cuts a run that is in no set: it keeps the first `slices`, the rest is returned as a new record.
// nullptr when there is nothing to cut off or no record for it; the run then stays whole.
// Precondition: slices > 0.
Run* RunHeap::split(Run& run, std::size_t slices) noexcept {
  if (run.slices <= slices) return nullptr;
  Run* const rest = new_record(run.arena);
  if (rest == nullptr) return nullptr;
  rest->start = run.start + (slices << kSliceShift);
  rest->slices = run.slices - slices;
  const std::size_t dirty = dirty_in_front(run, slices);
  run.slices = slices;
  rest->dirty_slices = run.dirty_slices - static_cast<std::uint32_t>(dirty);
  run.dirty_slices = static_cast<std::uint32_t>(dirty);
  return rest;
}

// Of a run that is in no set the first slices; the others are free again.
Run* RunHeap::take_front(Run& run, std::size_t slices) noexcept {
  if (Run* const rest = split(run, slices); rest != nullptr) insert(*rest, Age::kNewest);
  return &run;
}

Run* RunHeap::take_back(Run& run, std::size_t slices) noexcept {
  Run* const taken = split(run, run.slices - slices);
  if (taken == nullptr) return &run;
  insert(run, Age::kNewest);
  return taken;
}

// The run that was released last joins the others.
void RunHeap::settle() noexcept {
  if (unsettled_ == nullptr) return;
  Run& run = *unsettled_;
  unsettled_ = nullptr;
  page_map.mark_dirty(run.start, run.slices);
  run.dirty_slices = static_cast<std::uint32_t>(run.slices);
  insert(run, Age::kNewest);
}

Run* RunHeap::best_fit(std::size_t slices) const noexcept {
  Run* const warm = warm_.best_fit(slices);
  return warm != nullptr ? warm : cold_.best_fit(slices);
}

Run* RunHeap::allocate(std::size_t slices, std::uint8_t arena) noexcept {
  const LockGuard guard(lock_);
  if (unsettled_ != nullptr && unsettled_->slices == slices) {
    unsettled_->zeroed = false;
    used_slices_ += slices;
    return std::exchange(unsettled_, nullptr);
  }
  settle();
  Run* run = best_fit(slices);
  if (run == nullptr) {
    if (!add_chunk(slices, arena)) return nullptr;
    run = best_fit(slices);
  }
  remove(*run);
  run = back_is_dirtier(*run, slices) ? take_back(*run, slices) : take_front(*run, slices);
  note_use();
  run->zeroed =
      run->dirty_slices == 0 && !(may_have_stale_ && page_map.has_stale(run->start, run->slices));
  used_slices_ += run->slices;
  return run;
}

void RunHeap::release(Run& run) noexcept {
  const LockGuard guard(lock_);
  used_slices_ -= run.slices;
  settle();
  unsettled_ = &run;
}

bool RunHeap::grow(Run& run, std::size_t slices) noexcept {
  const LockGuard guard(lock_);
  settle();
  const std::size_t missing = slices - run.slices;
  Run* const behind = free_neighbour(run.end(), run);
  if (behind == nullptr || behind->slices < missing) return false;
  remove(*behind);
  take_front(*behind, missing);
  note_use();
  run.slices += behind->slices;
  used_slices_ += behind->slices;
  run.zeroed = false;
  keep_record(*behind);
  return true;
}

void RunHeap::shrink(Run& run, std::size_t slices) noexcept {
  const LockGuard guard(lock_);
  Run* const rest = split(run, slices);
  if (rest == nullptr) return;
  used_slices_ -= rest->slices;
  page_map.mark_dirty(rest->start, rest->slices);
  rest->dirty_slices = static_cast<std::uint32_t>(rest->slices);
  insert(*rest, Age::kNewest);
}

// The last stretch of dirty slices that may be returned; of none when there is no such. Huge pages
// are returned whole: the kernel would have to break them up, and keeps what is left of them.
PageMap::Stretch RunHeap::returnable(const Run& run, bool break_huge) noexcept {
  std::size_t end = run.slices;
  while (end > 0) {
    PageMap::Stretch stretch = page_map.last_dirty(run.start, end);
    end = stretch.first;
    if (stretch.slices == 0 || break_huge) return stretch;
    const char* const first = run.start + (stretch.first << kSliceShift);
    const char* const last = first + ((stretch.slices - 1) << kSliceShift);
    const auto place = reinterpret_cast<std::uintptr_t>(first) >> kSliceShift;
    std::size_t low = place;
    std::size_t high = place + stretch.slices;
    if (page_map.is_huge(first)) low = round_up(low, kHugePageSlices);
    if (page_map.is_huge(last)) high = high / kHugePageSlices * kHugePageSlices;
    if (low < high) return {.first = stretch.first + (low - place), .slices = high - low};
  }
  return {.first = 0, .slices = 0};
}

// Of what has been idle for longest a stretch of at most so many slices, taken out of the heap so
// that the system call is made without the lock.
Run* RunHeap::take_returnable(std::size_t most_slices, bool break_huge) noexcept {
  const LockGuard guard(lock_);
  for (Run* run = oldest_; run != nullptr; run = run->newer) {
    PageMap::Stretch stretch = returnable(*run, break_huge);
    if (stretch.slices == 0) continue;
    if (stretch.slices > most_slices) {
      const bool huge =
          !break_huge && page_map.is_huge(run->start + (stretch.first << kSliceShift));
      const std::size_t kept =
          huge ? (stretch.slices - most_slices) / kHugePageSlices * kHugePageSlices
               : stretch.slices - most_slices;
      stretch = {.first = stretch.first + kept, .slices = stretch.slices - kept};
    }
    remove(*run);
    ++purges_;
    if (Run* const behind = split(*run, stretch.first + stretch.slices); behind != nullptr) {
      insert(*behind, Age::kOldest);
    }
    Run* const taken = stretch.first > 0 ? split(*run, stretch.first) : nullptr;
    if (taken != nullptr) insert(*run, Age::kOldest);
    note_use();
    return taken != nullptr ? taken : run;
  }
  return nullptr;
}

// Drops the pages of a run that `take_returnable` gave out and puts it back. false when the kernel
// refused: the run is dirty again, and trying more now would be in vain.
bool RunHeap::give_back(Run& run, Purge way) noexcept {
  const bool stale = way == Purge::kFree && os::purge_lazily(run.start, run.bytes());
  const bool purged = stale || os::purge(run.start, run.bytes());
  const LockGuard guard(lock_);
  if (purged) {
    page_map.mark_clean(run.start, run.slices);
    may_have_stale_ |= stale;
    if (may_have_stale_) page_map.mark_stale(run.start, run.slices, stale);
    run.dirty_slices = 0;
  }
  insert(run, Age::kOldest);
  if (run.dirty_slices == 0 && run.slices >= kUnmapSlices) unmap_run(run);
  return purged;
}

// Returns how many slices went back; fewer than asked for when there are no more or the kernel
// refuses.
std::size_t RunHeap::purge(std::size_t slices, bool break_huge, Purge way) noexcept {
  std::size_t left = slices;
  while (left > 0) {
    Run* const run = take_returnable(left, break_huge);
    if (run == nullptr) break;
    const std::size_t taken = run->slices;
    if (!give_back(*run, way)) break;
    left -= taken < left ? taken : left;
  }
  return slices - left;
}

void RunHeap::decay(std::uint64_t now_ns) noexcept {
  std::size_t due = 0;
  {
    const LockGuard guard(lock_);
    const std::uint64_t half_life_ms = options.get(Option::kDecayMs);
    const std::size_t kept = options.get(Option::kTrimThreshold) >> kSliceShift;
    settle();
    const std::size_t idle = half_life_ms == 0 ? free_dirty_slices_ : idle_slices_;
    due = decay_.due(now_ns, half_life_ms * 1'000'000, idle > kept ? idle - kept : 0);
    idle_slices_ = free_dirty_slices_;
  }
  // Huge pages that are still partly in use are broken up only for what whole ones leave due.
  const Purge way = options.purge();
  due -= purge(due, false, way);
  purge(due, true, way);
}

void RunHeap::unmap_run(Run& run) noexcept {
  remove(run);
  if (may_have_stale_) page_map.mark_stale(run.start, run.slices, false);
  os::unmap(run.start, run.bytes());
  keep_record(run);
}

bool RunHeap::purge_all() noexcept {
  {
    const LockGuard guard(lock_);
    settle();
  }
  bool any = purge(SIZE_MAX, true, Purge::kDontNeed) > 0;
  const LockGuard guard(lock_);
  for (;;) {
    Run* const run = cold_.best_fit(kWorthUnmappingSlices);
    // What is still dirty the kernel has refused to take.
    if (run == nullptr || run->dirty_slices > 0) return any;
    unmap_run(*run);
    any = true;
  }
}

// The run that was released last is dirty wherever it is.
std::size_t RunHeap::dirty_slices() noexcept {
  const LockGuard guard(lock_);
  return free_dirty_slices_ + (unsettled_ != nullptr ? unsettled_->slices : 0);
}

RunHeap::Usage RunHeap::usage() noexcept {
  const LockGuard guard(lock_);
  settle();
  return {.used_slices = used_slices_,
          .dirty_slices = free_dirty_slices_,
          .clean_slices = warm_.slices() + cold_.slices() - free_dirty_slices_,
          .purges = purges_};
}

bool RunHeap::is_valid() noexcept {
  const LockGuard guard(lock_);
  settle();
  if (!warm_.is_valid() || !cold_.is_valid()) return false;
  std::size_t dirty = 0;
  for (const Run* run = oldest_; run != nullptr; run = run->newer) {
    if (run->state != RunState::kFree || run->dirty_slices == 0) return false;
    if (page_map.count_dirty(run->start, run->slices) != run->dirty_slices) return false;
    if (page_map.find(run->start).record<Run>() != run) return false;
    if (page_map.find(run->end() - 1).record<Run>() != run) return false;
    if (free_neighbour(run->end(), *run) != nullptr) return false;
    dirty += run->dirty_slices;
  }
  return dirty == free_dirty_slices_ && idle_slices_ <= dirty;
}

}  // namespace refmalloc

#include "allocators/reference/run_heap.h"

#include <new>

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

// A chunk is a clean run like any other; nothing remembers where it began.
Run* RunHeap::map_chunk(std::size_t slices, std::uint8_t arena) noexcept {
  Run* const run = new_record(arena);
  if (run == nullptr) return nullptr;
  run->slices = round_up(slices, kChunkSlices);
  run->start = static_cast<char*>(os::map(run->bytes(), kSliceBytes));
  if (run->start == nullptr) {
    // Under an address space limit the request itself may still fit.
    run->slices = slices;
    run->start = static_cast<char*>(os::map(run->bytes(), kSliceBytes));
  }
  if (run->start != nullptr && !page_map.cover(run->start, run->bytes())) {
    os::unmap(run->start, run->bytes());
    run->start = nullptr;
  }
  if (run->start == nullptr) {
    keep_record(*run);
    return nullptr;
  }
  return run;
}

// The free run of the same arena and kind that the address belongs to, which must be its first or
// last slice. The record's arena can be read without the other arena's lock: it never changes.
Run* RunHeap::free_neighbour(const char* inside, const Run& like) const noexcept {
  const PageMapEntry entry = page_map.find(inside);
  if (entry.tag() != kFreeRunTag) return nullptr;
  Run* const run = entry.record<Run>();
  return run->arena == like.arena && run->state == like.state ? run : nullptr;
}

Run& RunHeap::joined(Run& run) noexcept {
  if (Run* const before = free_neighbour(run.start - 1, run); before != nullptr) {
    remove(*before);
    run.start = before->start;
    run.slices += before->slices;
    keep_record(*before);
  }
  if (Run* const behind = free_neighbour(run.end(), run); behind != nullptr) {
    remove(*behind);
    run.slices += behind->slices;
    keep_record(*behind);
  }
  return run;
}

void RunHeap::insert(Run& run, RunState state) noexcept {
  run.state = state;
  run.zeroed = false;
  joined(run);
  set_of(state).insert(run);
  page_map.set(run.start, 1, PageMapEntry(&run, kFreeRunTag));
  page_map.set(run.end() - kSliceBytes, 1, PageMapEntry(&run, kFreeRunTag));
  if (state != RunState::kDirty) return;
  run.older = newest_;
  run.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &run;
  newest_ = &run;
}

void RunHeap::remove(Run& run) noexcept {
  set_of(run.state).remove(run);
  page_map.clear(run.start, 1);
  page_map.clear(run.end() - kSliceBytes, 1);
  if (run.state == RunState::kDirty) {
    (run.older != nullptr ? run.older->newer : oldest_) = run.newer;
    (run.newer != nullptr ? run.newer->older : newest_) = run.older;
    if (dirty_.slices() < idle_slices_) idle_slices_ = dirty_.slices();
  }
}

// Cuts a run that is in no set: it keeps the first `slices`, the rest is returned as a new record.
// nullptr when there is nothing to cut off or no record for it; the run then stays whole.
Run* RunHeap::split(Run& run, std::size_t slices) noexcept {
  if (run.slices <= slices) return nullptr;
  Run* const rest = new_record(run.arena);
  if (rest == nullptr) return nullptr;
  rest->start = run.start + (slices << kSliceShift);
  rest->slices = run.slices - slices;
  run.slices = slices;
  return rest;
}

Run* RunHeap::allocate(std::size_t slices, std::uint8_t arena) noexcept {
  const LockGuard guard(lock_);
  RunState kind = RunState::kDirty;
  Run* run = dirty_.best_fit(slices);
  if (run == nullptr) {
    kind = RunState::kClean;
    run = clean_.best_fit(slices);
  }
  if (run != nullptr) {
    remove(*run);
  } else {
    run = map_chunk(slices, arena);
    if (run == nullptr) return nullptr;
  }
  if (Run* const rest = split(*run, slices); rest != nullptr) {
    run->state = RunState::kUsed;
    insert(*rest, kind);
  }
  run->state = RunState::kUsed;
  run->zeroed = kind == RunState::kClean;
  used_slices_ += run->slices;
  return run;
}

void RunHeap::release(Run& run) noexcept {
  const LockGuard guard(lock_);
  used_slices_ -= run.slices;
  insert(run, RunState::kDirty);
}

bool RunHeap::grow(Run& run, std::size_t slices) noexcept {
  const LockGuard guard(lock_);
  const std::size_t missing = slices - run.slices;
  const PageMapEntry entry = page_map.find(run.end());
  if (entry.tag() != kFreeRunTag) return false;
  Run* const behind = entry.record<Run>();
  if (behind->arena != run.arena || behind->start != run.end() || behind->slices < missing) {
    return false;
  }
  const RunState kind = behind->state;
  remove(*behind);
  if (Run* const rest = split(*behind, missing); rest != nullptr) insert(*rest, kind);
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
  insert(*rest, RunState::kDirty);
}

// The longest idle dirty run, cut to `most_slices`, taken out of the heap so that the system call
// is made without the lock.
Run* RunHeap::take_oldest(std::size_t most_slices) noexcept {
  const LockGuard guard(lock_);
  Run* const run = oldest_;
  if (run == nullptr) return nullptr;
  remove(*run);
  if (Run* const rest = split(*run, most_slices); rest != nullptr) {
    run->state = RunState::kUsed;
    insert(*rest, RunState::kDirty);
  }
  run->state = RunState::kUsed;
  ++purges_;
  return run;
}

// Drops the pages of a run that `take_oldest` gave out and puts it back. false when the kernel
// refused: the run is dirty again, and trying more now would be in vain.
bool RunHeap::give_back(Run& run) noexcept {
  const bool purged = os::purge(run.start, run.bytes());
  const LockGuard guard(lock_);
  insert(run, purged ? RunState::kClean : RunState::kDirty);
  if (purged && run.slices >= kUnmapSlices) {
    remove(run);
    os::unmap(run.start, run.bytes());
    keep_record(run);
  }
  return purged;
}

bool RunHeap::purge(std::size_t slices) noexcept {
  bool any = false;
  while (slices > 0) {
    Run* const run = take_oldest(slices);
    if (run == nullptr) break;
    const std::size_t taken = run->slices;
    if (!give_back(*run)) break;
    any = true;
    slices -= taken < slices ? taken : slices;
  }
  return any;
}

void RunHeap::decay(std::uint64_t now_ns) noexcept {
  std::size_t due = 0;
  {
    const LockGuard guard(lock_);
    const std::uint64_t half_life_ms = options.get(Option::kDecayMs);
    const std::size_t kept = options.get(Option::kTrimThreshold) >> kSliceShift;
    const std::size_t idle = half_life_ms == 0 ? dirty_.slices() : idle_slices_;
    due = decay_.due(now_ns, half_life_ms * 1'000'000, idle > kept ? idle - kept : 0);
    idle_slices_ = dirty_.slices();
  }
  purge(due);
}

bool RunHeap::purge_all() noexcept {
  return purge(SIZE_MAX);
}

RunHeap::Usage RunHeap::usage() noexcept {
  const LockGuard guard(lock_);
  return {.used_slices = used_slices_,
          .dirty_slices = dirty_.slices(),
          .clean_slices = clean_.slices(),
          .purges = purges_};
}

bool RunHeap::is_valid() noexcept {
  const LockGuard guard(lock_);
  if (!dirty_.is_valid() || !clean_.is_valid()) return false;
  std::size_t dirty = 0;
  for (const Run* run = oldest_; run != nullptr; run = run->newer) {
    if (run->state != RunState::kDirty) return false;
    if (page_map.find(run->start).record<Run>() != run) return false;
    if (page_map.find(run->end() - 1).record<Run>() != run) return false;
    if (free_neighbour(run->end(), *run) != nullptr) return false;
    dirty += run->slices;
  }
  return dirty == dirty_.slices() && idle_slices_ <= dirty;
}

}  // namespace refmalloc

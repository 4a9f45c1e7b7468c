#include "allocators/reference/large_objects.h"

#include <new>

#include "allocators/reference/message.h"
#include "allocators/reference/metadata.h"
#include "allocators/reference/options.h"
#include "allocators/reference/os.h"

namespace refmalloc {

constinit LargeObjects large_objects;

LargeObject* LargeObjects::new_record() noexcept {
  LargeObject* const record = spare_records_;
  if (record != nullptr) {
    spare_records_ = record->newer;
    return record;
  }
  void* const memory = metadata.allocate(sizeof(LargeObject));
  return memory == nullptr ? nullptr : new (memory) LargeObject;
}

void LargeObjects::keep_record(LargeObject& object) noexcept {
  object.newer = spare_records_;
  spare_records_ = &object;
}

void LargeObjects::append(LargeObject& object) noexcept {
  object.older = newest_;
  object.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &object;
  newest_ = &object;
  ++cached_count_;
  cached_bytes_ += object.bytes;
}

void LargeObjects::remove(LargeObject& object) noexcept {
  (object.older != nullptr ? object.older->newer : oldest_) = object.newer;
  (object.newer != nullptr ? object.newer->older : newest_) = object.older;
  --cached_count_;
  cached_bytes_ -= object.bytes;
}

// Called once what was too much of a mapping has been put back.
void LargeObjects::note_use() noexcept {
  if (cached_bytes_ < idle_bytes_) idle_bytes_ = cached_bytes_;
}

void LargeObjects::add_used(std::size_t bytes) noexcept {
  used_bytes_ += bytes;
  if (used_bytes_ > most_used_bytes_) most_used_bytes_ = used_bytes_;
}

std::size_t LargeObjects::cached_limit() const noexcept {
  const std::size_t room = most_used_bytes_ + most_used_bytes_ / kSlackShare - used_bytes_;
  return room < kMostCachedBytes ? room : kMostCachedBytes;
}

bool LargeObjects::wants_huge_pages(std::size_t bytes) noexcept {
  switch (options.huge_pages()) {
    case HugePages::kNever:
      return false;
    case HugePages::kAlways:
      return bytes >= kHugePageBytes;
    case HugePages::kAuto:
      break;
  }
  return bytes >= kHugeFromBytes;
}

LargeObject* LargeObjects::shortest_from(std::size_t bytes) const noexcept {
  LargeObject* best = nullptr;
  for (LargeObject* object = newest_; object != nullptr; object = object->older) {
    if (object->bytes < bytes) continue;
    if (best == nullptr || object->bytes < best->bytes) best = object;
  }
  return best;
}

LargeObject* LargeObjects::longest() const noexcept {
  LargeObject* best = nullptr;
  for (LargeObject* object = newest_; object != nullptr; object = object->older) {
    if (best == nullptr || object->bytes > best->bytes) best = object;
  }
  return best;
}

// What is behind the first `bytes` of a mapping becomes a cached mapping of its own.
void LargeObjects::keep_tail(LargeObject& object, std::size_t bytes) noexcept {
  if (object.bytes == bytes) return;
  LargeObject* const tail = new_record();
  if (tail == nullptr) return;
  tail->start = object.start + bytes;
  tail->bytes = object.bytes - bytes;
  tail->huge = object.huge;
  object.bytes = bytes;
  append(*tail);
}

// A cached mapping for the request: one that is long enough, cut to length, or the longest, which
// the caller has to lengthen.
LargeObject* LargeObjects::take_cached(std::size_t bytes) noexcept {
  const LockGuard guard(lock_);
  LargeObject* object = shortest_from(bytes);
  if (object == nullptr) object = longest();
  if (object == nullptr || object->bytes < bytes / kWorthLengthening) return nullptr;
  remove(*object);
  if (object->bytes > bytes) keep_tail(*object, bytes);
  note_use();
  object->zeroed = false;
  add_used(object->bytes);
  return object;
}

bool LargeObjects::lengthen(LargeObject& object, std::size_t bytes) noexcept {
  if (os::resize_in_place(object.start, object.bytes, bytes)) {
    object.bytes = bytes;
    return true;
  }
  void* const target = os::reserve(bytes, object.huge ? kHugePageBytes : kSliceBytes);
  if (target == nullptr) return false;
  if (!page_map.cover(target, kSliceBytes) ||
      !os::move(object.start, object.bytes, target, bytes)) {
    os::unreserve(target, bytes);
    return false;
  }
  object.start = static_cast<char*>(target);
  object.bytes = bytes;
  return true;
}

LargeObject* LargeObjects::map_fresh(std::size_t bytes, std::size_t alignment) noexcept {
  bool huge = wants_huge_pages(bytes);
  const std::size_t huge_alignment = alignment > kHugePageBytes ? alignment : kHugePageBytes;
  char* start = static_cast<char*>(huge ? os::map(bytes, huge_alignment) : nullptr);
  // Under an address space limit there may be no room to align in.
  if (start == nullptr) start = static_cast<char*>(os::map(bytes, alignment));
  if (start == nullptr) return nullptr;
  if (huge) huge = os::advise_huge(start, bytes, true);
  if (options.huge_pages() == HugePages::kNever) os::advise_huge(start, bytes, false);
  const LockGuard guard(lock_);
  LargeObject* const object = new_record();
  if (object == nullptr) {
    os::unmap(start, bytes);
    return nullptr;
  }
  object->start = start;
  object->bytes = bytes;
  object->zeroed = true;
  object->huge = huge;
  add_used(bytes);
  return object;
}

// A mapping taken from the cache, made as long as asked for. nullptr: it is cached again.
LargeObject* LargeObjects::lengthened(LargeObject& object, std::size_t bytes) noexcept {
  const std::size_t before = object.bytes;
  const bool done = lengthen(object, bytes);
  const LockGuard guard(lock_);
  if (done) {
    add_used(object.bytes - before);
    return &object;
  }
  used_bytes_ -= before;
  append(object);
  return nullptr;
}

LargeObject* LargeObjects::allocate(std::size_t bytes, std::size_t alignment) noexcept {
  bytes = round_up(bytes, kSliceBytes);
  // Once cached, a mapping serves every request for an alignment of up to a slice.
  if (alignment < kSliceBytes) alignment = kSliceBytes;
  LargeObject* object = alignment <= kSliceBytes ? take_cached(bytes) : nullptr;
  const bool exact = object != nullptr && object->bytes >= bytes;
  if (!exact && object != nullptr) object = lengthened(*object, bytes);
  if (object == nullptr) object = map_fresh(bytes, alignment);
  if (object == nullptr) return nullptr;
  if (!exact) drop_surplus();
  if (!page_map.cover(object->start, kSliceBytes)) {
    {
      const LockGuard guard(lock_);
      used_bytes_ -= object->bytes;
    }
    unmap(*object);
    return nullptr;
  }
  page_map.set(object->start, PageMapEntry(object, kLargeTag));
  return object;
}

// Returns a mapping that is neither live nor cached any more.
void LargeObjects::unmap(LargeObject& object) noexcept {
  os::unmap(object.start, object.bytes);
  const LockGuard guard(lock_);
  keep_record(object);
}

// The oldest mapping of a cache that holds more than it may, for `unmap`; nullptr when the cache is
// within its bounds.
LargeObject* LargeObjects::take_surplus(std::size_t most_bytes) noexcept {
  const LockGuard guard(lock_);
  if (cached_bytes_ <= most_bytes && cached_count_ <= kMostCached) return nullptr;
  LargeObject* const object = oldest_;
  if (object == nullptr) return nullptr;
  remove(*object);
  note_use();
  ++purges_;
  return object;
}

void LargeObjects::drop_surplus() noexcept {
  std::size_t limit = 0;
  {
    const LockGuard guard(lock_);
    limit = cached_limit();
  }
  while (LargeObject* const surplus = take_surplus(limit)) unmap(*surplus);
}

void LargeObjects::release(LargeObject& object) noexcept {
  if (!page_map.end_object(object.start, PageMapEntry(&object, kLargeTag))) [[unlikely]]
    abort_over("double free", object.start);
  {
    const LockGuard guard(lock_);
    used_bytes_ -= object.bytes;
    append(object);
  }
  drop_surplus();
}

// The page map's entry follows the object.
bool LargeObjects::grow(LargeObject& object, std::size_t bytes) noexcept {
  const std::size_t before = object.bytes;
  page_map.set(object.start, kFreedEntry);
  const bool lengthened = lengthen(object, round_up(with_slack(bytes), kSliceBytes)) ||
                          lengthen(object, round_up(bytes, kSliceBytes));
  page_map.set(object.start, PageMapEntry(&object, kLargeTag));
  if (!lengthened) return false;
  object.zeroed = false;
  const LockGuard guard(lock_);
  add_used(object.bytes - before);
  return true;
}

bool LargeObjects::shrink(LargeObject& object, std::size_t bytes) noexcept {
  const std::size_t before = object.bytes;
  if (!os::resize_in_place(object.start, before, bytes)) return false;
  object.bytes = bytes;
  const LockGuard guard(lock_);
  used_bytes_ -= before - bytes;
  return true;
}

bool LargeObjects::resize(LargeObject& object, std::size_t bytes) noexcept {
  if (bytes > object.bytes) return grow(object, bytes);
  if (round_up(with_slack(bytes), kSliceBytes) >= object.bytes) return true;
  return shrink(object, round_up(bytes, kSliceBytes));
}

// The oldest cached mapping, cut to `most_bytes` (of huge pages to whole ones), for `unmap`.
LargeObject* LargeObjects::take_oldest(std::size_t most_bytes) noexcept {
  const LockGuard guard(lock_);
  LargeObject* const object = oldest_;
  if (object == nullptr) return nullptr;
  remove(*object);
  if (object->huge) most_bytes = round_up(most_bytes, kHugePageBytes);
  if (object->bytes > most_bytes) keep_tail(*object, most_bytes);
  note_use();
  ++purges_;
  return object;
}

void LargeObjects::decay(std::uint64_t now_ns) noexcept {
  std::size_t due = 0;
  {
    const LockGuard guard(lock_);
    const std::uint64_t half_life_ms = options.get(Option::kDecayMs);
    const std::size_t idle = half_life_ms == 0 ? cached_bytes_ : idle_bytes_;
    due = decay_.due(now_ns, half_life_ms * 1'000'000, idle >> kSliceShift) << kSliceShift;
  }
  while (due > 0) {
    LargeObject* const object = take_oldest(due);
    if (object == nullptr) break;
    due -= object->bytes < due ? object->bytes : due;
    unmap(*object);
  }
  const LockGuard guard(lock_);
  idle_bytes_ = cached_bytes_;
  if (most_used_bytes_ > used_bytes_ + cached_bytes_) {
    most_used_bytes_ = used_bytes_ + cached_bytes_;
  }
}

bool LargeObjects::drop_cache() noexcept {
  bool any = false;
  while (LargeObject* const surplus = take_surplus(0)) {
    unmap(*surplus);
    any = true;
  }
  return any;
}

LargeObjects::Usage LargeObjects::usage() noexcept {
  const LockGuard guard(lock_);
  return {.used_bytes = used_bytes_, .cached_bytes = cached_bytes_, .purges = purges_};
}

bool LargeObjects::is_valid() noexcept {
  const LockGuard guard(lock_);
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const LargeObject* object = oldest_; object != nullptr; object = object->newer) {
    if (page_map.find(object->start).record<LargeObject>() == object) return false;
    ++count;
    bytes += object->bytes;
  }
  return count == cached_count_ && bytes == cached_bytes_ && idle_bytes_ <= bytes &&
         used_bytes_ <= most_used_bytes_;
}

}  // namespace refmalloc

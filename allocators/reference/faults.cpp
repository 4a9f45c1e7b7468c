#include "allocators/reference/faults.h"

#include <cstdlib>

#include "allocators/reference/large_objects.h"
#include "allocators/reference/message.h"
#include "allocators/reference/page_map.h"
#include "allocators/reference/run.h"
#include "allocators/reference/slab.h"

namespace refmalloc {

namespace {

struct Place {
  const char* start = nullptr;
  std::size_t bytes = 0;
  bool free = false;

  [[nodiscard]] bool holds(const void* pointer) const noexcept {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(pointer) - reinterpret_cast<std::uintptr_t>(start);
    return offset < bytes;
  }
};

Place place_of(PageMapEntry entry) noexcept {
  if (is_run_tag(entry.tag())) {
    return {.start = entry.record<Run>()->start, .bytes = entry.record<Run>()->bytes()};
  }
  switch (entry.tag()) {
    case kLargeTag:
      return {.start = entry.record<LargeObject>()->start,
              .bytes = entry.record<LargeObject>()->bytes};
    case kFreeRunTag:
      return {
          .start = entry.record<Run>()->start, .bytes = entry.record<Run>()->bytes(), .free = true};
    default:
      return {};
  }
}

[[noreturn]] void abort_over_inside(const Call& call, const void* pointer, const char* object,
                                    std::size_t bytes) noexcept {
  Message().text(call.name).inside_object(pointer, object, bytes).write();
  std::abort();
}

[[noreturn]] void abort_over_freed(const Call& call, const char* doubt,
                                   const void* pointer) noexcept {
  Message().text(call.with_freed_object).text(doubt).text(": ").address(pointer).write();
  std::abort();
}

}  // namespace

void abort_over_pointer(const Call& call, const void* pointer) noexcept {
  const PageMapEntry entry = page_map.find(pointer);
  if (entry.tag() != 0 && entry.tag() <= kClassesCount) {
    const Slab& slab = *entry.record<Slab>();
    if (slab.begins_object(pointer)) abort_over_freed(call, "", pointer);
    if (const char* const object = slab.object_around(pointer); object != nullptr) {
      abort_over_inside(call, pointer, object, bytes_of_class(slab.size_class()));
    }
  }
  const Place place = place_of(page_map.find_back(pointer));
  const bool inside = place.holds(pointer);
  if (inside && !place.free) abort_over_inside(call, pointer, place.start, place.bytes);
  const bool freed = entry.tag() == kFreedTag;
  if (freed && is_slice_start(pointer)) abort_over_freed(call, "", pointer);
  if (freed || inside) abort_over_freed(call, ", or a pointer into free memory", pointer);
  Message()
      .text(call.name)
      .text(" of a pointer that was never allocated: ")
      .address(pointer)
      .write();
  std::abort();
}

}  // namespace refmalloc

// What the kernel grants here, asked for without the heap: a test that needs it skips without.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocators/reference/geometry.h"
#include "allocators/reference/os.h"

// It knows huge pages, though it may have none free.
inline bool kernel_takes_advice_on_huge_pages() {
  namespace os = refmalloc::os;
  void* const start = os::map(refmalloc::kHugePageBytes, refmalloc::kHugePageBytes);
  if (start == nullptr) return false;
  const bool taken = os::advise_huge(start, refmalloc::kHugePageBytes, true);
  os::unmap(start, refmalloc::kHugePageBytes);
  return taken;
}

// It maps memory at free addresses that were asked for. A terabyte below the last mapping nobody
// else lies.
inline bool kernel_maps_where_asked() {
  namespace os = refmalloc::os;
  constexpr std::uintptr_t kFar = std::uintptr_t{1} << 40;
  void* const near = os::map(refmalloc::kSliceBytes, refmalloc::kSliceBytes);
  if (near == nullptr) return false;
  os::unmap(near, refmalloc::kSliceBytes);
  void* const wish = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(near) - kFar);
  void* const far = os::map(refmalloc::kSliceBytes, refmalloc::kSliceBytes, wish);
  if (far != nullptr) os::unmap(far, refmalloc::kSliceBytes);
  return far == wish;
}

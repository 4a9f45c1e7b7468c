// The malloc family in C, over the heap: checks arguments and sets errno, nothing else.
//
// Built with REFMALLOC_INTERPOSE the functions carry their own names and replace the C library's;
// without it they are called refmalloc_malloc and so on, beside whatever malloc the program has.

#include "allocators/reference/interface.h"

#include <unistd.h>

#include <cerrno>

#include "allocators/reference/geometry.h"
#include "allocators/reference/heap.h"
#include "allocators/reference/options.h"
#include "allocators/reference/thread_registry.h"

using refmalloc::is_power_of_two;

namespace {

// Numbers of the GNU C library's <malloc.h>, which would also declare what is defined here.
constexpr int kMalloptTrimThreshold = -1;
constexpr int kMalloptMmapThreshold = -3;
constexpr int kMalloptArenaMax = -8;

std::size_t page_bytes() noexcept {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void* fail(int error) noexcept {
  errno = error;
  return nullptr;
}

void* aligned(std::size_t alignment, std::size_t bytes) noexcept {
  if (!is_power_of_two(alignment)) return fail(EINVAL);
  return refmalloc::allocate_aligned(bytes, alignment);
}

}  // namespace

extern "C" {

void* REFMALLOC_NAME(malloc)(std::size_t bytes) noexcept {
  return refmalloc::allocate(bytes);
}

void REFMALLOC_NAME(free)(void* object) noexcept {
  refmalloc::deallocate(object);
}

void REFMALLOC_NAME(cfree)(void* object) noexcept {
  refmalloc::deallocate(object);
}

void* REFMALLOC_NAME(calloc)(std::size_t count, std::size_t bytes) noexcept {
  return refmalloc::allocate_zeroed(count, bytes);
}

void* REFMALLOC_NAME(realloc)(void* object, std::size_t bytes) noexcept {
  return refmalloc::reallocate(object, bytes);
}

void* REFMALLOC_NAME(reallocarray)(void* object, std::size_t count, std::size_t bytes) noexcept {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) return fail(ENOMEM);
  return refmalloc::reallocate(object, total);
}

int REFMALLOC_NAME(posix_memalign)(void** result, std::size_t alignment,
                                   std::size_t bytes) noexcept {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int saved = errno;
  void* const object = refmalloc::allocate_aligned(bytes, alignment);
  errno = saved;
  if (object == nullptr) return ENOMEM;
  *result = object;
  return 0;
}

void* REFMALLOC_NAME(aligned_alloc)(std::size_t alignment, std::size_t bytes) noexcept {
  return aligned(alignment, bytes);
}

void* REFMALLOC_NAME(memalign)(std::size_t alignment, std::size_t bytes) noexcept {
  return aligned(alignment, bytes);
}

void* REFMALLOC_NAME(valloc)(std::size_t bytes) noexcept {
  return aligned(page_bytes(), bytes);
}

void* REFMALLOC_NAME(pvalloc)(std::size_t bytes) noexcept {
  const std::size_t page = page_bytes();
  if (bytes > SIZE_MAX - page) return fail(ENOMEM);
  return aligned(page, bytes == 0 ? page : refmalloc::round_up(bytes, page));
}

std::size_t REFMALLOC_NAME(malloc_usable_size)(void* object) noexcept {
  return refmalloc::usable_bytes(object);
}

// The sizes are hints of the caller; the page map knows better, and check=1 compares them.
void REFMALLOC_NAME(free_sized)(void* object, std::size_t bytes) noexcept {
  refmalloc::deallocate(object, {.bytes = bytes});
}

void REFMALLOC_NAME(free_aligned_sized)(void* object, std::size_t alignment,
                                        std::size_t bytes) noexcept {
  refmalloc::deallocate(object, {.bytes = bytes, .alignment = alignment});
}

int REFMALLOC_NAME(malloc_trim)(std::size_t) noexcept {
  return refmalloc::trim() ? 1 : 0;
}

int REFMALLOC_NAME(mallopt)(int parameter, int value) noexcept {
  refmalloc::thread_registry.initialise();
  if (value < 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(value);
  switch (parameter) {
    case kMalloptTrimThreshold:
      refmalloc::options.set(refmalloc::Option::kTrimThreshold, wanted);
      return 1;
    case kMalloptMmapThreshold:
      refmalloc::options.set(refmalloc::Option::kMmapThreshold, wanted);
      return 1;
    case kMalloptArenaMax:
      refmalloc::options.set(refmalloc::Option::kArenas, wanted);
      return 1;
    default:
      return 0;
  }
}

REFMALLOC_EXPORT const char* refmalloc_version(void) {
  return REFMALLOC_VERSION;
}

REFMALLOC_EXPORT long long refmalloc_option(const char* key) {
  refmalloc::thread_registry.initialise();
  return refmalloc::options.by_name(key);
}

REFMALLOC_EXPORT int refmalloc_owns(const void* object) {
  return refmalloc::owns(object) ? 1 : 0;
}

}  // extern "C"

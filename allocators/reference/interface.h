// Names and declarations of the malloc family, under their own or under prefixed names.
#pragma once

#include <stdio.h>

#include <cstddef>

#include "allocators/reference/refmalloc.h"

#define REFMALLOC_EXPORT __attribute__((visibility("default")))

#ifdef REFMALLOC_INTERPOSE
#define REFMALLOC_NAME(function) function
#else
#define REFMALLOC_NAME(function) refmalloc_##function
#endif

#ifndef REFMALLOC_VERSION
#define REFMALLOC_VERSION "0.1.0"
#endif

// As in the GNU C library's <malloc.h>, whose layout programs are compiled with.
struct RefmallocMallinfo {
  int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct RefmallocMallinfo2 {
  std::size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

extern "C" {

REFMALLOC_EXPORT void* REFMALLOC_NAME(malloc)(std::size_t bytes) noexcept;
REFMALLOC_EXPORT void REFMALLOC_NAME(free)(void* object) noexcept;
REFMALLOC_EXPORT void REFMALLOC_NAME(cfree)(void* object) noexcept;
REFMALLOC_EXPORT void* REFMALLOC_NAME(calloc)(std::size_t count, std::size_t bytes) noexcept;
REFMALLOC_EXPORT void* REFMALLOC_NAME(realloc)(void* object, std::size_t bytes) noexcept;
REFMALLOC_EXPORT void* REFMALLOC_NAME(reallocarray)(void* object, std::size_t count,
                                                    std::size_t bytes) noexcept;
REFMALLOC_EXPORT int REFMALLOC_NAME(posix_memalign)(void** result, std::size_t alignment,
                                                    std::size_t bytes) noexcept;
REFMALLOC_EXPORT void* REFMALLOC_NAME(aligned_alloc)(std::size_t alignment,
                                                     std::size_t bytes) noexcept;
REFMALLOC_EXPORT void* REFMALLOC_NAME(memalign)(std::size_t alignment, std::size_t bytes) noexcept;
REFMALLOC_EXPORT void* REFMALLOC_NAME(valloc)(std::size_t bytes) noexcept;
REFMALLOC_EXPORT void* REFMALLOC_NAME(pvalloc)(std::size_t bytes) noexcept;
REFMALLOC_EXPORT std::size_t REFMALLOC_NAME(malloc_usable_size)(void* object) noexcept;
REFMALLOC_EXPORT void REFMALLOC_NAME(free_sized)(void* object, std::size_t bytes) noexcept;
REFMALLOC_EXPORT void REFMALLOC_NAME(free_aligned_sized)(void* object, std::size_t alignment,
                                                         std::size_t bytes) noexcept;
REFMALLOC_EXPORT int REFMALLOC_NAME(malloc_trim)(std::size_t pad) noexcept;
REFMALLOC_EXPORT int REFMALLOC_NAME(mallopt)(int parameter, int value) noexcept;
REFMALLOC_EXPORT RefmallocMallinfo REFMALLOC_NAME(mallinfo)() noexcept;
REFMALLOC_EXPORT RefmallocMallinfo2 REFMALLOC_NAME(mallinfo2)() noexcept;
REFMALLOC_EXPORT void REFMALLOC_NAME(malloc_stats)() noexcept;
REFMALLOC_EXPORT int REFMALLOC_NAME(malloc_info)(int options, FILE* stream) noexcept;

}  // extern "C"

// A block's chunk, which is what malloc cuts and merges, by what its interface says of the block:
//
//     chunk                block                                  next chunk
//     | previous's | size |  usable bytes                       | size | ...
//     |<- 2 words ------->|<- malloc_usable_size, one word of it in the next chunk ->|
#pragma once

#include <malloc.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace heapwise {

inline constexpr std::size_t kWordBytes = sizeof(std::size_t);

inline const char* begin_of_chunk(const void* block) {
  return static_cast<const char*>(block) - 2 * kWordBytes;
}

/// Of a block of the heap; one that was mapped for itself has no chunk behind it.
inline std::size_t chunk_bytes(void* block) {
  return malloc_usable_size(block) + kWordBytes;
}

inline const char* end_of_chunk(void* block) {
  return begin_of_chunk(block) + chunk_bytes(block);
}

/// The request that a chunk of `bytes` serves to its last byte.
inline constexpr std::size_t request_for_chunk(std::size_t bytes) {
  return bytes - kWordBytes;
}

/// The end of the heap that brk moves; asks the C library, not the kernel.
inline const char* end_of_heap() {
  return static_cast<const char*>(sbrk(0));
}

}  // namespace heapwise

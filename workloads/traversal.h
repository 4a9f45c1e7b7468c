// Going through objects in the order of a list, at the pace of a list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace heapwise {

/// Reads every object in order; the next one is found only once this one has been read, as if its
/// address stood there (a heap that checks objects leaves no room for a link in them). `zero` is 0,
/// which the compiler must not know.
template <class Read>
void follow(std::span<void* const> list, std::size_t zero, Read read) {
  for (std::size_t i = 0; i < list.size();) i += 1 + (read(list[i]) & zero);
}

/// Reads every object in order; where the next one lies is known beforehand, so that the processor
/// may read ahead.
template <class Read>
void sweep(std::span<void* const> list, Read read) {
  for (void* object : list) read(object);
}

}  // namespace heapwise

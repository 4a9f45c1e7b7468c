// What the kernel tells about itself and about the frames behind a process's pages, to those who
// may know; read without heap.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapwise {

/// The number of the physical page that holds `address` now, as /proc/self/pagemap has it. 0: the
/// page is not resident, or the kernel hides the number, which takes CAP_SYS_ADMIN to see.
std::uint64_t frame_of(const void* address);

/// The lowest address of the kernel's own that /proc/kallsyms names; 0: it hides them, or has none.
std::uintptr_t kernel_symbol_address();

/// What stands behind `key` in the line of a file such as /proc/self/status that begins with it,
/// ended by a newline, in storage that the next call overwrites; nullptr: there is no such line.
const char* behind_key(const char* path, const char* key);

}  // namespace heapwise

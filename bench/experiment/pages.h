// Memory of the experiment's own, beside the heap, and writes to the pages of blocks.
#pragma once

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/experiment/report.h"

namespace heapwise {

/// Program and libraries, so that the first run of their code does not show in RSS and faults,
/// where the kernel maps 64 KiB of a file at a time.
void make_program_resident();

/// The first byte of the block and the first of each page that begins in it.
inline void write_each_page(void* block, std::size_t size_bytes) {
  if (size_bytes == 0) return;
  const auto page_bytes = static_cast<std::size_t>(getpagesize());
  auto* const bytes = static_cast<volatile char*>(block);
  bytes[0] = 1;
  const std::size_t into_page = reinterpret_cast<std::uintptr_t>(block) % page_bytes;
  for (std::size_t at = page_bytes - into_page; at < size_bytes; at += page_bytes) bytes[at] = 1;
}

/// A table for pointers to blocks, resident from the start so that it adds nothing to what is seen
/// later. Stays until the process ends.
inline void** map_table(Report& report, std::size_t pointers_count) {
  void* const table = mmap(nullptr, pointers_count * sizeof(void*), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (table == MAP_FAILED) report.refuse("mmap of a table");
  return static_cast<void**>(table);
}

/// malloc, and a refusal where it has none left.
inline void* must_malloc(Report& report, std::size_t size_bytes) {
  void* const block = malloc(size_bytes);
  if (block == nullptr) report.refuse("malloc");
  return block;
}

}  // namespace heapwise

#include "bench/experiment/cold_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

namespace heapwise {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

/// Numbers without a pattern that a file system could store in less room.
void fill(std::uint64_t* numbers, std::size_t count, std::uint64_t seed) {
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (std::size_t i = 0; i < count; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    numbers[i] = state;
  }
}

std::int64_t bytes_of(std::int64_t pages_count) {
  return pages_count * getpagesize();
}

bool write_range(int descriptor, std::int64_t begin, std::int64_t end) {
  static std::uint64_t chunk[kChunkBytes / sizeof(std::uint64_t)];
  for (std::int64_t at = begin; at < end;) {
    fill(chunk, kChunkBytes / sizeof chunk[0], static_cast<std::uint64_t>(at));
    const auto left = static_cast<std::size_t>(end - at);
    const ssize_t count = pwrite(descriptor, chunk, left < kChunkBytes ? left : kChunkBytes, at);
    if (count <= 0) return false;
    at += count;
  }
  return true;
}

volatile const char* map(const ColdFile& file) {
  void* const memory = mmap(nullptr, static_cast<std::size_t>(bytes_of(file.pages_count)),
                            PROT_READ, MAP_SHARED, file.descriptor, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<volatile const char*>(memory);
}

void unmap(const ColdFile& file, volatile const char* bytes) {
  munmap(const_cast<char*>(bytes), static_cast<std::size_t>(bytes_of(file.pages_count)));
}

/// Whether no page of the file is in memory, as mincore(2) tells of files one may write.
bool is_cold(const ColdFile& file) {
  static unsigned char in_memory[kMostColdPages];
  volatile const char* const bytes = map(file);
  if (bytes == nullptr) return false;
  const bool told = mincore(const_cast<char*>(bytes),
                            static_cast<std::size_t>(bytes_of(file.pages_count)), in_memory) == 0;
  unmap(file, bytes);
  if (!told) return false;
  for (std::int64_t i = 0; i < file.pages_count; ++i) {
    if ((in_memory[i] & 1) != 0) return false;
  }
  return true;
}

/// Only clean pages can be dropped, hence fsync.
bool drop_pages(const ColdFile& file) {
  return fsync(file.descriptor) == 0 &&
         posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0 && is_cold(file);
}

int open_without_name(const char* folder) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/heapwise-XXXXXX", folder) >= PATH_MAX) return -1;
  const int descriptor = mkostemp(path, O_CLOEXEC);
  if (descriptor >= 0) unlink(path);
  return descriptor;
}

}  // namespace

ColdFile make_cold_file(std::int64_t pages_count) {
  const char* const folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp", "."};
  for (const char* const folder : folders) {
    if (folder == nullptr) continue;
    ColdFile file{.descriptor = open_without_name(folder), .folder = folder};
    if (!file.is_open()) continue;
    if (grow(file, pages_count)) return file;
    close(file.descriptor);
  }
  return {};
}

bool grow(ColdFile& file, std::int64_t pages_count) {
  const std::int64_t begin = bytes_of(file.pages_count);
  if (!write_range(file.descriptor, begin, bytes_of(pages_count))) return false;
  file.pages_count = pages_count;
  return drop_pages(file);
}

Usage read_each_page(const ColdFile& file) {
  volatile const char* const bytes = map(file);
  if (bytes == nullptr) return {};
  madvise(const_cast<char*>(bytes), static_cast<std::size_t>(bytes_of(file.pages_count)),
          MADV_RANDOM);
  const std::int64_t page_bytes = getpagesize();
  const Usage before = read_usage();
  for (std::int64_t i = 0; i < file.pages_count; ++i) static_cast<void>(bytes[i * page_bytes]);
  const Usage used = read_usage() - before;
  unmap(file, bytes);
  return used;
}

}  // namespace heapwise

// The few system calls that preloaded code makes, past any library that interposes their wrappers.
// Failure is -1 and errno, as everywhere; nothing here allocates.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace heapwise::raw {

inline int open_file(const char* path, int flags, mode_t mode = 0) {
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode));
}

inline void close_file(int file) {
  syscall(SYS_close, file);
}

/// One write(2), possibly short.
inline ssize_t write_once(int file, const void* bytes, std::size_t length) {
  return syscall(SYS_write, file, bytes, length);
}

/// Length of the link's target, which is not closed by a NUL; cut at `capacity`.
inline ssize_t read_link(const char* path, char* target, std::size_t capacity) {
  return syscall(SYS_readlinkat, AT_FDCWD, path, target, capacity);
}

inline bool remove_file(const char* path) {
  return syscall(SYS_unlinkat, AT_FDCWD, path, 0) == 0;
}

/// What is beyond the file's end so far reads as zeros and takes no room until it is written.
inline bool set_length(int file, std::size_t length) {
  return syscall(SYS_ftruncate, file, length) == 0;
}

/// Readable and writable memory; of `file` unless that is -1. nullptr on failure.
inline void* map_memory(std::size_t length, int flags, int file = -1) {
  const long mapped = syscall(SYS_mmap, nullptr, length, PROT_READ | PROT_WRITE, flags, file, 0L);
  return mapped == -1 ? nullptr : reinterpret_cast<void*>(mapped);
}

inline void unmap_memory(void* memory, std::size_t length) {
  syscall(SYS_munmap, memory, length);
}

}  // namespace heapwise::raw

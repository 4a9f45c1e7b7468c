// The few system calls that preloaded code makes, past any library that interposes their wrappers.
// Failure is -1 and errno, as everywhere; nothing here allocates.
#pragma once

#include <fcntl.h>
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

}  // namespace heapwise::raw

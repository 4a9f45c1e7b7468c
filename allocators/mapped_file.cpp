#include "allocators/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace heapwise {

MappedFile::MappedFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  if (file < 0 || fstat(file, &status) != 0) {
    problem_ = std::strerror(errno);
  } else if (!S_ISREG(status.st_mode)) {
    problem_ = "it is not a file";
  } else if (status.st_size > 0) {
    const auto size = static_cast<std::size_t>(status.st_size);
    void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) {
      problem_ = std::strerror(errno);
    } else {
      data_ = static_cast<const char*>(memory);
      size_ = size;
    }
  }
  if (file >= 0) close(file);
}

MappedFile::~MappedFile() {
  if (size_ != 0) munmap(const_cast<char*>(data_), size_);
}

std::string_view MappedFile::bytes(std::uint64_t offset, std::uint64_t length) const {
  if (offset > size_ || length > size_ - offset) return {};
  return {data_ + offset, length};
}

std::string_view MappedFile::text(std::uint64_t offset, std::size_t limit) const {
  if (offset >= size_) return {};
  const auto raw = bytes(offset, std::min<std::uint64_t>(limit, size_ - offset));
  const auto end = raw.find('\0');
  return end == std::string_view::npos ? std::string_view{} : raw.substr(0, end);
}

}  // namespace heapwise

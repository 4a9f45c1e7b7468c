// A whole file mapped for reading: leaves no trace on the heap, and every access is checked against
// the file's size.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace heapwise {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  /// Why the file cannot be read; empty for a readable file, also one without content.
  const std::string& problem() const { return problem_; }

  std::string_view content() const { return {data_, size_}; }

  /// `length` bytes from `offset`, or nothing where they are not all inside the file.
  std::string_view bytes(std::uint64_t offset, std::uint64_t length) const;

  template <class T>
  std::optional<T> read(std::uint64_t offset) const {
    const auto raw = bytes(offset, sizeof(T));
    if (raw.size() != sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  /// The zero-terminated text at `offset`, or nothing where it is not shorter than `limit`.
  std::string_view text(std::uint64_t offset, std::size_t limit) const;

 private:
  const char* data_ = "";
  std::size_t size_ = 0;  // 0: nothing is mapped
  std::string problem_;
};

}  // namespace heapwise

// FNV-1a, 64 bits (Fowler, Noll, Vo): tells outputs apart; it does not resist an adversary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heapwise {

class Digest {
 public:
  void add(std::string_view bytes);
  /// Sixteen hexadecimal digits.
  std::string text() const;

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

struct FileDigest {
  bool readable = false;
  std::uint64_t size_bytes = 0;
  std::string digest;
};

/// Size and digest of a file's content.
FileDigest digest_file(const std::string& path);

}  // namespace heapwise

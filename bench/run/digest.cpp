#include "bench/run/digest.h"

#include <fmt/format.h>

#include <array>
#include <fstream>

namespace heapwise {

void Digest::add(std::string_view bytes) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  for (const unsigned char byte : bytes) state_ = (state_ ^ byte) * kPrime;
}

std::string Digest::text() const {
  return fmt::format("{:016x}", state_);
}

FileDigest digest_file(const std::string& path) {
  FileDigest result;
  std::ifstream file(path, std::ios::binary);
  result.readable = file.is_open();
  Digest digest;
  std::array<char, 65536> buffer;
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    const auto count = static_cast<std::size_t>(file.gcount());
    digest.add({buffer.data(), count});
    result.size_bytes += count;
  }
  result.digest = digest.text();
  return result;
}

}  // namespace heapwise

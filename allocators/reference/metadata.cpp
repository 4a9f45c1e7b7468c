#include "allocators/reference/metadata.h"

#include "allocators/reference/geometry.h"
#include "allocators/reference/os.h"

namespace refmalloc {

constinit Metadata metadata;

void* Metadata::allocate(std::size_t bytes) noexcept {
  bytes = round_up(bytes, kCacheLineBytes);
  const LockGuard guard(lock_);
  if (bytes > left_bytes_) {
    const std::size_t block_bytes =
        bytes > kBlockBytes ? round_up(bytes, kSliceBytes) : kBlockBytes;
    void* const block = os::map(block_bytes, kSliceBytes);
    if (block == nullptr) return nullptr;
    next_ = static_cast<char*>(block);
    left_bytes_ = block_bytes;
    mapped_bytes_ += block_bytes;
  }
  void* const record = next_;
  next_ += bytes;
  left_bytes_ -= bytes;
  used_bytes_ += bytes;
  return record;
}

std::size_t Metadata::used_bytes() noexcept {
  const LockGuard guard(lock_);
  return used_bytes_;
}

std::size_t Metadata::mapped_bytes() noexcept {
  const LockGuard guard(lock_);
  return mapped_bytes_;
}

}  // namespace refmalloc

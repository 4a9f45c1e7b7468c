// Memory for the allocator's own records, apart from everything handed out.
//
// Records are cut one after another from mappings of kBlockBytes and are never given back: who no
// longer needs one keeps it for the next of its kind. That makes records *type-stable*: a late
// reader may find a record reused, but never unmapped or turned into something else.
#pragma once

#include <cstddef>

#include "allocators/reference/lock.h"

namespace refmalloc {

class Metadata {
 public:
  constexpr Metadata() = default;

  // Zeroed, aligned to a cache line; nullptr when the system has no memory.
  void* allocate(std::size_t bytes) noexcept;

  [[nodiscard]] std::size_t used_bytes() noexcept;
  [[nodiscard]] std::size_t mapped_bytes() noexcept;
  [[nodiscard]] Lock& lock() noexcept { return lock_; }

 private:
  static constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

  Lock lock_;
  char* next_ = nullptr;
  std::size_t left_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t mapped_bytes_ = 0;
};

extern constinit Metadata metadata;

}  // namespace refmalloc

// What the checked heap knows of every live object: where it lies, how long it is, what it holds.
//
// Invariant: the ranges of `objects_` do not overlap, and each holds its pattern. The pattern of an
// object depends on its serial number, so that an object handed out twice is seen to change.
// Thread rule: one mutex over everything; a checked run is never timed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace heapwise {

class ShadowHeap {
 public:
  /// Notes a fresh object and fills it. Ends the process through fail_integrity() if it is badly
  /// aligned or overlaps a live one.
  void add(void* object, std::size_t size);

  /// Checks the object's content and forgets it; called before it is freed.
  void remove(void* object);

  std::size_t live_count() const;
  bool is_valid() const;

 private:
  struct Object {
    std::size_t size;
    std::uint64_t serial;
  };
  using Objects = std::map<std::uintptr_t, Object>;

  Objects::const_iterator overlapping(std::uintptr_t begin, std::size_t size) const;

  mutable std::mutex mutex_;
  Objects objects_;
  std::uint64_t next_serial_ = 1;
};

}  // namespace heapwise

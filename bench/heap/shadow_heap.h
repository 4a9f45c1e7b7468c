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
  /// What is known of one object.
  struct Object {
    std::size_t size;
    std::uint64_t serial;
  };

  enum class Content { kAnything, kZeros };

  /// Notes a fresh object and fills it. Ends the process through fail_integrity() if it is less
  /// aligned than asked for and its size needs, overlaps a live one, or has not the content that
  /// was asked for.
  void add(void* object, std::size_t size, std::size_t alignment = 1,
           Content content = Content::kAnything);

  /// Checks the object's content and forgets it; called before it is freed or resized.
  Object remove(void* object);

  /// Checks the content of an object that is in use.
  void inspect(void* object) const;

  /// Notes what realloc has made of a removed object: as much of its content as fits must have
  /// been kept, and what was added is filled.
  void add_resized(void* object, std::size_t size, const Object& removed);

  std::size_t live_count() const;
  bool is_valid() const;

 private:
  using Objects = std::map<std::uintptr_t, Object>;

  /// The live object that begins there, whose content has been checked. Under the mutex.
  Objects::const_iterator find_intact(void* object) const;

  void insert(std::uintptr_t begin, const Object& object, std::size_t alignment);
  Objects::const_iterator overlapping(std::uintptr_t begin, std::size_t size) const;

  mutable std::mutex mutex_;
  Objects objects_;
  std::uint64_t next_serial_ = 1;
};

}  // namespace heapwise

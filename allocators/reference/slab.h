// A slab: a run cut into objects of one size class, with its bookkeeping out of band.
//
//   record (Metadata)                        memory (a run)
//   ┌────────┬───────────┬─────────────┐     ┌────────┬────────┬────────┬──────┐
//   │ Slab   │ free bits │ remote bits │     │ object │ object │ object │ tail │
//   └────────┴───────────┴─────────────┘     └────────┴────────┴────────┴──────┘
//   64 bytes   one bit an object, twice       never read or written by the allocator
//
// Invariants: a free bit is set when the object is neither with the program nor in a magazine; it
// belongs to the lock of the slab's bin. A remote bit is set by any thread of another arena and
// moves to the free bits under that lock. free_objects is the number of free bits. An object is in
// at most one of the two. The record keeps its arena and class for ever, so a thread that is late
// with `remote_queued` finds a slab of the same bin, possibly a retired one, never something else.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocators/reference/page_map.h"
#include "allocators/reference/run.h"
#include "allocators/reference/size_classes.h"

namespace refmalloc {

class alignas(kTags) Slab {
 public:
  static std::size_t record_bytes(std::size_t size_class) noexcept;

  Slab(std::size_t size_class, std::uint8_t arena) noexcept;

  // Puts the slab to work on a run: all objects free.
  void open(Run& run) noexcept;

  // Takes up to `wanted` free objects, lowest addresses first, so that memory nobody has touched
  // stays untouched. Returns how many.
  std::size_t take(void** objects, std::size_t wanted) noexcept;

  // The owner's way of giving an object back.
  void put(void* object) noexcept {
    const std::size_t index = index_of(object);
    const std::size_t word = index / kWordBits;
    const std::uint64_t bit = std::uint64_t{1} << (index % kWordBits);
    if ((free_bits()[word] & bit) != 0) [[unlikely]]
      abort_over_double_free(word, bit);
    free_bits()[word] |= bit;
    ++free_objects_;
    if (word < first_word_) first_word_ = static_cast<std::uint16_t>(word);
  }

  // What `deliver` got since the last time; the number of objects.
  std::size_t absorb_remote() noexcept;

  // Precondition: the slab is empty. Ends the process when somebody has also delivered one of its
  // objects: that was a double free.
  void expect_nothing_delivered() const noexcept;

  // Any thread's way: objects of one word at once. true when the caller must queue the slab.
  bool deliver(std::size_t word, std::uint64_t objects) noexcept;

  // Number of the object at that address. Ends the process when none begins there.
  [[nodiscard]] std::size_t index_of(const void* object) const noexcept {
    const std::size_t index = find(object);
    if (index == kNoObject) [[unlikely]]
      abort_over_no_object(object);
    return index;
  }
  [[nodiscard]] bool begins_object(const void* pointer) const noexcept;

  // Start of the object that the address lies in; nullptr behind the last one.
  [[nodiscard]] const char* object_around(const void* pointer) const noexcept;

  // Precondition: begins_object(object). Whether it is with the program, or in a magazine.
  [[nodiscard]] bool is_taken(const void* object) const noexcept;

  [[nodiscard]] bool is_full() const noexcept { return free_objects_ == 0; }
  [[nodiscard]] bool is_empty() const noexcept { return free_objects_ == shape().objects; }
  [[nodiscard]] std::size_t free_objects() const noexcept { return free_objects_; }
  [[nodiscard]] std::size_t size_class() const noexcept { return size_class_; }
  [[nodiscard]] std::uint8_t arena() const noexcept { return arena_; }
  [[nodiscard]] Run* run() const noexcept { return run_; }
  [[nodiscard]] bool is_valid() const noexcept;

  // Links, guarded by the bin's lock but for remote_next, which belongs to whoever has set
  // remote_queued.
  Slab* previous = nullptr;
  Slab* next = nullptr;
  Slab* remote_next = nullptr;
  std::atomic<bool> remote_queued{false};

 private:
  static constexpr std::size_t kNoObject = SIZE_MAX;

  // Number of the object that begins there, or kNoObject.
  [[nodiscard]] std::size_t find(const void* pointer) const noexcept {
    const ClassShape& shape = kClassShapes[size_class_];
    const auto offset = static_cast<std::size_t>(static_cast<const char*>(pointer) - start_);
    if (offset >= shape.slices * kSliceBytes) return kNoObject;
    const std::size_t index = object_at(size_class_, offset);
    return index < shape.objects && index * shape.bytes == offset ? index : kNoObject;
  }

  [[nodiscard]] const ClassShape& shape() const noexcept { return kClassShapes[size_class_]; }
  static std::size_t words_of(std::size_t size_class) noexcept {
    return (kClassShapes[size_class].objects + kWordBits - 1) / kWordBits;
  }
  [[nodiscard]] std::size_t words() const noexcept { return words_of(size_class_); }
  [[noreturn]] void abort_over_double_free(std::size_t word, std::uint64_t objects) const noexcept;
  [[noreturn]] void abort_over_no_object(const void* pointer) const noexcept;
  [[nodiscard]] std::uint64_t* free_bits() const noexcept {
    return reinterpret_cast<std::uint64_t*>(const_cast<Slab*>(this) + 1);
  }
  [[nodiscard]] std::atomic<std::uint64_t>* remote_bits() const noexcept;

  std::uint8_t size_class_;
  std::uint8_t arena_;
  std::uint16_t free_objects_ = 0;
  std::uint16_t first_word_ = 0;  // no free bit lies in a word before
  char* start_ = nullptr;
  Run* run_ = nullptr;
};
static_assert(sizeof(Slab) == kTags);

}  // namespace refmalloc

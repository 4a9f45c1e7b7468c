#include "allocators/ownership.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#include "allocators/loaded_function.h"
#include "allocators/reader.h"

namespace heapwise {
namespace {

using Answer = OwnershipFinding::Answer;

// Larger than what glibc's thread cache holds, smaller than what anyone maps on its own.
constexpr std::size_t kObjectBytes = 4321;
constexpr std::size_t kForeignBytes = std::size_t{1} << 20;

/// A malloc that no compiler can prove unnecessary.
class FreshObject {
 public:
  FreshObject() : object_(std::malloc(kObjectBytes)) {}
  FreshObject(const FreshObject&) = delete;
  FreshObject& operator=(const FreshObject&) = delete;
  ~FreshObject() { std::free(object_); }
  void* get() const { return object_; }

 private:
  void* volatile object_;
};

/// Readable memory that came from the kernel and from no allocator; asked about at its middle,
/// because some allocators look at what lies before an address.
class ForeignMemory {
 public:
  ForeignMemory()
      : memory_(mmap(nullptr, kForeignBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  ForeignMemory(const ForeignMemory&) = delete;
  ForeignMemory& operator=(const ForeignMemory&) = delete;
  ~ForeignMemory() {
    if (memory_ != MAP_FAILED) munmap(memory_, kForeignBytes);
  }
  void* get() const { return static_cast<char*>(memory_) + kForeignBytes / 2; }
  bool is_valid() const { return memory_ != MAP_FAILED; }

 private:
  void* memory_;
};

OwnershipFinding not_exported(std::string_view name) {
  return {Answer::kForeign, std::string(name) + " is not exported by any library of this process"};
}

template <class Owns>
OwnershipFinding ask(std::string_view name, Owns&& owns) {
  const FreshObject object;
  const ForeignMemory foreign;
  if (object.get() == nullptr || !foreign.is_valid()) {
    return {Answer::kUnknown, "no memory for a trial object"};
  }
  const std::string call(name);
  if (!owns(object.get())) {
    return {Answer::kForeign, call + " says that a fresh object is not its own"};
  }
  if (owns(foreign.get())) {
    return {Answer::kForeign, call + " says of memory straight from the kernel that it is its own"};
  }
  return {Answer::kOwned, call};
}

OwnershipFinding ask_pointer_function(const Ownership& ownership) {
  const auto name = ownership.name;
  switch (ownership.kind) {
    case OwnershipKind::kBooleanOfPointer: {
      auto* owns = find_loaded<bool(const void*)>(name);
      if (owns == nullptr) return not_exported(name);
      return ask(name, [owns](void* object) { return owns(object); });
    }
    case OwnershipKind::kIntegerOfPointer: {
      auto* owner = find_loaded<int(const void*)>(name);
      if (owner == nullptr) return not_exported(name);
      const int owned = ownership.owned_value;
      return ask(name, [owner, owned](void* object) { return owner(object) == owned; });
    }
    default: {
      auto* size = find_loaded<std::size_t(void*, void*)>(name);
      if (size == nullptr) return not_exported(name);
      return ask(name, [size](void* object) { return size(object, nullptr) != 0; });
    }
  }
}

/// The counter stands still without a malloc and rises by at least the object's size with one.
OwnershipFinding watch_counter(const Ownership& ownership) {
  const Reader counter{.kind = ReaderKind::kMallctl, .name = ownership.name};
  const auto first = read_value(counter);
  if (!first.has_value()) {
    return {Answer::kForeign, "mallctl " + std::string(ownership.name) + " cannot be read"};
  }
  const auto before = read_value(counter);
  const FreshObject object;
  const auto after = read_value(counter);
  const auto idle = before.integer - first.integer;
  const auto risen = after.integer - before.integer;
  const std::string text = "mallctl " + std::string(ownership.name) + " rose by " +
                           std::to_string(risen) + " for an object of " +
                           std::to_string(kObjectBytes) + " bytes and by " + std::to_string(idle) +
                           " for none";
  const bool counts = idle == 0 && risen >= static_cast<std::int64_t>(kObjectBytes);
  return {counts ? Answer::kOwned : Answer::kForeign, text};
}

struct Walk {
  std::uintptr_t wanted;
  int met;
};

void note_if_wanted(std::uintptr_t base, std::size_t /*bytes*/, void* argument) {
  auto& walk = *static_cast<Walk*>(argument);
  if (base == walk.wanted) ++walk.met;
}

/// The heap is stopped while it is walked; the callback must not touch it.
OwnershipFinding walk_heap(const Ownership& ownership) {
  using Visitor = void(std::uintptr_t, std::size_t, void*);
  auto* iterate = find_loaded<int(std::uintptr_t, std::size_t, Visitor*, void*)>(ownership.name);
  auto* stop = find_loaded<void()>("malloc_disable");
  auto* resume = find_loaded<void()>("malloc_enable");
  if (iterate == nullptr || stop == nullptr || resume == nullptr)
    return not_exported(ownership.name);
  constexpr std::uintptr_t kPageMask = 4095;
  const auto times_met = [&](std::uintptr_t address) {
    Walk walk{.wanted = address, .met = 0};
    stop();
    iterate(address & ~kPageMask, kPageMask + 1 + kObjectBytes, note_if_wanted, &walk);
    resume();
    return walk.met;
  };
  std::uintptr_t address = 0;
  int alive = 0;
  {
    const FreshObject object;
    address = reinterpret_cast<std::uintptr_t>(object.get());
    alive = times_met(address);
  }
  const int freed = times_met(address);
  const bool owned = alive == 1 && freed == 0;
  return {owned ? Answer::kOwned : Answer::kForeign,
          std::string(ownership.name) + " met a fresh object " + std::to_string(alive) +
              " times and the freed one " + std::to_string(freed) + " times"};
}

/// The word before an object of glibc's holds its chunk's size and three flag bits, and mallinfo2
/// counts the chunk.
OwnershipFinding inspect_glibc_chunk(const Ownership& ownership) {
  const Reader in_use{.kind = ReaderKind::kMallinfo, .name = "uordblks"};
  const Reader mapped{.kind = ReaderKind::kMallinfo, .name = "hblkhd"};
  const auto before = read_value(in_use).integer + read_value(mapped).integer;
  const FreshObject object;
  if (object.get() == nullptr) return {Answer::kUnknown, "no memory for a trial object"};
  const auto risen = read_value(in_use).integer + read_value(mapped).integer - before;
  constexpr std::size_t kFlagBits = 7;
  constexpr std::size_t kMappedFlag = 2;
  const auto header = static_cast<const std::size_t*>(object.get())[-1];
  const auto chunk = header & ~kFlagBits;
  const std::size_t overhead = (header & kMappedFlag) != 0 ? 16 : 8;
  const bool header_fits = chunk == malloc_usable_size(object.get()) + overhead;
  const bool owned = header_fits && risen == static_cast<std::int64_t>(chunk);
  return {owned ? Answer::kOwned : Answer::kForeign,
          std::string(ownership.name) + " rose by " + std::to_string(risen) +
              " for a chunk whose header says " + std::to_string(chunk)};
}

}  // namespace

OwnershipFinding prove_ownership(const Ownership& ownership) {
  switch (ownership.kind) {
    case OwnershipKind::kNone:
      return {};
    case OwnershipKind::kMallctlGrows:
      return watch_counter(ownership);
    case OwnershipKind::kBooleanOfPointer:
    case OwnershipKind::kIntegerOfPointer:
    case OwnershipKind::kSizeOfPointer:
      return ask_pointer_function(ownership);
    case OwnershipKind::kHeapWalk:
      return walk_heap(ownership);
    case OwnershipKind::kGlibcChunk:
      return inspect_glibc_chunk(ownership);
  }
  return {};
}

}  // namespace heapwise

// What is known of an allocator, as data: where its library lies, which variables carry its
// settings, and by which of a closed list of readers it can be asked about itself. A descriptor
// holds no code; adding an allocator is adding one to descriptors.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heapwise {

enum class Unit { kBytes, kCount, kMilliseconds, kFlag, kReal, kText };

/// The representation of a value behind a mallctl name or a symbol.
enum class ValueType { kBool, kInt, kUnsigned, kSize, kSigned, kReal, kString };

enum class ReaderKind {
  kNone,             // cannot be read at all
  kStringFunction,   // const char* NAME(): a version
  kIntegerFunction,  // int NAME()
  kIndexedFunction,  // long NAME(int): called with `index`
  kKeyedFunction,    // long long NAME(const char*): called with `argument`
  kMallctl,          // mallctl("NAME"), a value of `type`
  kNumericProperty,  // MallocExtension_GetNumericProperty("NAME")
  kFlagSymbol,       // a variable called NAME, of `type`
  kMallinfo,         // the field NAME of glibc's mallinfo2
  kBehaviour,        // measured in a sibling process by verify_settings_by_behaviour
};

/// How to ask an allocator for one value.
struct Reader {
  ReaderKind kind = ReaderKind::kNone;
  std::string_view name = {};
  ValueType type = ValueType::kSize;
  int index = 0;
  std::string_view argument = {};
  std::string_view only_version = {};  // not empty: an index is known for this version text alone
};

enum class OwnershipKind {
  kNone,
  kMallctlGrows,  // the counter mallctl(NAME) rises by at least the size, and only with a malloc
  kBooleanOfPointer,  // bool NAME(const void*)
  kIntegerOfPointer,  // int NAME(const void*), `owned_value` for an object of its own
  kSizeOfPointer,     // size_t NAME(void*, nullptr), not 0 for an object of its own
  kHeapWalk,          // NAME(base, size, callback, argument) meets the object while it lives
  kGlibcChunk,        // the chunk header before the object and mallinfo2 agree on it
};

/// How an allocator proves that a fresh object is its own and a foreign one is not.
struct Ownership {
  OwnershipKind kind = OwnershipKind::kNone;
  std::string_view name = {};
  int owned_value = 1;
};

enum class ReleaseKind {
  kNone,
  kSizeFunction,     // int NAME(size_t): called with 0
  kBooleanFunction,  // void NAME(bool): called with true
  kFunction,         // void NAME()
  kCommandFunction,  // int NAME(int, void*): called with `argument` and nullptr
  kOptionFunction,   // int NAME(int, int): called with `argument` and 0
  kMallctl,          // mallctl("NAME") without values
};

/// How to ask an allocator to give back to the system what it holds and does not use.
struct Release {
  ReleaseKind kind = ReleaseKind::kNone;
  std::string_view name = {};
  int argument = 0;
  // Called before, in the same way: empties the calling thread's cache, whose objects would hold
  // the memory around them. Empty where there is no such call, or `name` does that too.
  std::string_view flush = {};
};

/// How a setting reaches the allocator: an environment variable of its own (`item` is empty) or an
/// item of a variable that holds several, such as MALLOC_CONF=narenas:4,thp:never.
struct Carrier {
  std::string_view variable = {};
  std::string_view item = {};
  char assign = '=';
  char separator = ',';
  std::string_view on = "1";
  std::string_view off = "0";
};

struct Setting {
  std::string_view key = {};
  Unit unit = Unit::kCount;
  std::int64_t minimum = 0;  // what the carrier can express; whether it is obeyed is measured
  std::int64_t maximum = INT64_MAX;
  std::span<const std::string_view> choices = {};  // of a text; otherwise empty
  Carrier carrier = {};
  Reader reader = {};
  std::string_view help = {};
};

/// What an allocator counts of itself: a level in bytes, or a count since the process began.
struct Statistic {
  std::string_view name = {};  // ends in its unit, _bytes or _count
  Reader reader = {};
};

struct AllocatorDescriptor {
  std::string_view name = {};
  std::string_view summary = {};
  std::span<const std::string_view> libraries = {};  // file names or globs, the preferred one first
  std::string_view package = {};                     // Debian's
  bool in_parts_directory = false;                   // built by this project
  bool harness_own = false;                          // measures the harness; never in default lists
  bool on_request = false;  // nearly another's code: measured only when it is named
  Reader version = {};
  Ownership ownership = {};
  Release release = {};
  std::span<const Setting> settings = {};
  std::span<const Statistic> statistics = {};
  std::span<const std::string_view> variables =
      {};  // what it reads: names, or prefixes ending in '*'

  const Setting* find_setting(std::string_view key) const;
};

/// The spec of a program's own malloc: nothing is preloaded. It has no descriptor.
inline constexpr std::string_view kAsLinked = "as_linked";

std::span<const AllocatorDescriptor> all_descriptors();
const AllocatorDescriptor* find_descriptor(std::string_view name);

/// The descriptor whose library names match this path's file name, or nullptr.
const AllocatorDescriptor* find_descriptor_of_library(std::string_view path);

/// Every variable (or prefix ending in '*') that some allocator reads, and LD_PRELOAD: none of them
/// may reach a child by accident. Matched without regard to case, as mimalloc does.
std::vector<std::string_view> allocator_variables();

/// `name` against a pattern of allocator_variables().
bool variable_matches(std::string_view pattern, std::string_view name);

/// "bytes", "count", … as `list` prints it.
std::string_view unit_name(Unit unit);

}  // namespace heapwise

// The settings: defaults, what REFMALLOC_CONF and mallopt made of them.
//
//   REFMALLOC_CONF="mmap_threshold=256K,decay_ms=100,arenas=2"
//
// A value is a number, or one of an option's words, which then stands for its place among them.
// Every value lies inside its option's range at all times (a number outside is moved to the nearest
// end), so readers need no checks. Values are read without a lock and may change while threads run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "allocators/reference/geometry.h"
#include "allocators/reference/size_classes.h"

namespace refmalloc {

enum class Purge : std::uint8_t { kDontNeed, kFree };
enum class HugePages : std::uint8_t { kAuto, kNever, kAlways };

enum class Option : unsigned {
  kMmapThreshold,  // bytes: requests from here on get a mapping of their own
  kTrimThreshold,  // bytes: retained memory an arena may keep however long it is idle
  kDecayMs,        // milliseconds in which half of the idle retained memory is returned
  kArenas,         // count: arenas that threads are spread over
  kThp,            // HugePages, by its word
  kCheck,          // 0 or 1: every free is checked at once, without magazines
  kBackground,     // 0 or 1: a thread returns memory
  kPurge,          // Purge, by its word
  kCount,
};

inline constexpr unsigned kOptionsCount = static_cast<unsigned>(Option::kCount);

struct OptionRow {
  const char* name;
  std::uint64_t initial;
  std::uint64_t lowest;
  std::uint64_t highest;
  const char* const* words = nullptr;  // highest + 1 of them; nullptr: the value is a number
};

inline constexpr const char* kPurgeWords[] = {"dontneed", "free"};
inline constexpr const char* kHugePagesWords[] = {"auto", "never", "always"};

// In the order of Option. Requests that fit a size class always come from a slab, so the threshold
// starts above the largest class.
inline constexpr OptionRow kOptionRows[] = {
    {"mmap_threshold", std::uint64_t{8} << 20, kLargestClassBytes + 1, std::uint64_t{1} << 40},
    {"trim_threshold", 0, 0, std::uint64_t{1} << 40},
    {"decay_ms", 500, 0, 1'000'000'000},
    {"arenas", 1, 1, kMostArenas},
    {"thp", 0, 0, 2, kHugePagesWords},
    {"check", 0, 0, 1},
    {"background", 0, 0, 1},
    {"purge", 0, 0, 1, kPurgeWords},
};
static_assert(sizeof kOptionRows / sizeof kOptionRows[0] == kOptionsCount);

class Options {
 public:
  template <std::size_t... rows>
  explicit constexpr Options(std::index_sequence<rows...>) noexcept
      : values_{kOptionRows[rows].initial...} {}

  [[nodiscard]] std::uint64_t get(Option option) const noexcept {
    return values_[static_cast<unsigned>(option)].load(std::memory_order_relaxed);
  }

  [[nodiscard]] Purge purge() const noexcept { return static_cast<Purge>(get(Option::kPurge)); }

  [[nodiscard]] HugePages huge_pages() const noexcept {
    return static_cast<HugePages>(get(Option::kThp));
  }

  void set(Option option, std::uint64_t value) noexcept;

  // Effective value of the option of that name, -1 for an unknown name.
  [[nodiscard]] long long by_name(const char* name) const noexcept;

  // Takes the settings of a configuration text. What it does not understand is reported on stderr,
  // a line each, and skipped.
  void apply(const char* text) noexcept;

  // Applies REFMALLOC_CONF once. false while the C library has not set up the environment yet.
  bool load_environment() noexcept;

 private:
  void apply_one(const char* entry, std::size_t length) noexcept;

  std::atomic<std::uint64_t> values_[kOptionsCount];
  std::atomic<bool> loaded_{false};
};

// For the object below and for tests: every option has its initial value.
inline constexpr std::make_index_sequence<kOptionsCount> kInitialOptions{};

extern constinit Options options;

// A decimal number with an optional K, M or G (powers of 1024). false when it is anything else or
// does not fit.
bool parse_quantity(const char* text, std::size_t length, std::uint64_t& value) noexcept;

// The place of a word among those of the row. false when it is none of them.
bool parse_word(const OptionRow& row, const char* text, std::size_t length,
                std::uint64_t& value) noexcept;

// The option whose name is nearest to a misspelt one; nullptr when none is near.
const char* nearest_option(const char* name, std::size_t length) noexcept;

}  // namespace refmalloc

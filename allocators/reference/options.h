// The settings: defaults, what REFMALLOC_CONF and mallopt made of them.
//
//   REFMALLOC_CONF="mmap_threshold=256K,decay_ms=100,arenas=2"
//
// Every value lies inside its option's range at all times (a value outside is moved to the nearest
// end), so readers need no checks. Values are read without a lock and may change while threads run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace refmalloc {

enum class HugePages : std::uint8_t { kAuto, kNever, kAlways };

enum class Option : unsigned {
  kMmapThreshold,  // bytes: requests from here on get a mapping of their own
  kTrimThreshold,  // bytes: retained memory an arena may keep however long it is idle
  kDecayMs,        // milliseconds in which half of the idle retained memory is returned
  kArenas,         // count: arenas that threads are spread over
  kThp,            // HugePages
  kCount,
};

class Options {
 public:
  constexpr Options() = default;

  [[nodiscard]] std::uint64_t get(Option option) const noexcept {
    return values_[static_cast<unsigned>(option)].load(std::memory_order_relaxed);
  }

  [[nodiscard]] HugePages huge_pages() const noexcept {
    return static_cast<HugePages>(get(Option::kThp));
  }

  void set(Option option, std::uint64_t value) noexcept;

  // Effective value of the option of that name, -1 for an unknown name.
  [[nodiscard]] long long by_name(const char* name) const noexcept;

  // Takes the settings of a configuration text. What it does not understand is reported on stderr
  // and skipped.
  void apply(const char* text) noexcept;

  // Applies REFMALLOC_CONF once. false while the C library has not set up the environment yet.
  bool load_environment() noexcept;

 private:
  void apply_one(const char* entry, std::size_t length) noexcept;

  std::atomic<std::uint64_t> values_[static_cast<unsigned>(Option::kCount)] = {
      std::uint64_t{8} << 20, 0, 500, 1, 0};
  std::atomic<bool> loaded_{false};
};

extern constinit Options options;

// A decimal number with an optional K, M or G (powers of 1024). false when it is anything else or
// does not fit.
bool parse_quantity(const char* text, std::size_t length, std::uint64_t& value) noexcept;

}  // namespace refmalloc

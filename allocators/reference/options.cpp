#include "allocators/reference/options.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "allocators/reference/geometry.h"
#include "allocators/reference/message.h"
#include "allocators/reference/size_classes.h"

namespace refmalloc {

constinit Options options;

namespace {

struct OptionRow {
  const char* name;
  std::uint64_t lowest;
  std::uint64_t highest;
};

// Requests that fit a size class always come from a slab, so the threshold starts above the
// largest class.
constexpr OptionRow kRows[] = {
    {"mmap_threshold", kLargestClassBytes + 1, std::uint64_t{1} << 40},
    {"trim_threshold", 0, std::uint64_t{1} << 40},
    {"decay_ms", 0, 1'000'000'000},
    {"arenas", 1, kMostArenas},
    {"thp", 0, 2},
};
static_assert(sizeof kRows / sizeof kRows[0] == static_cast<unsigned>(Option::kCount));

constexpr unsigned kNotFound = static_cast<unsigned>(Option::kCount);

unsigned row_of(const char* name, std::size_t length) noexcept {
  unsigned row = 0;
  while (row < kNotFound && (std::strlen(kRows[row].name) != length ||
                             std::memcmp(kRows[row].name, name, length) != 0)) {
    ++row;
  }
  return row;
}

// Log2 of the factor of a unit letter; 64 when it is none.
unsigned unit_shift(char letter) noexcept {
  switch (letter) {
    case 'k':
    case 'K':
      return 10;
    case 'm':
    case 'M':
      return 20;
    case 'g':
    case 'G':
      return 30;
    default:
      return 64;
  }
}

}  // namespace

bool parse_quantity(const char* text, std::size_t length, std::uint64_t& value) noexcept {
  std::uint64_t number = 0;
  std::size_t at = 0;
  for (; at < length && text[at] >= '0' && text[at] <= '9'; ++at) {
    if (__builtin_mul_overflow(number, std::uint64_t{10}, &number)) return false;
    if (__builtin_add_overflow(number, static_cast<std::uint64_t>(text[at] - '0'), &number)) {
      return false;
    }
  }
  if (at == 0) return false;
  if (at + 1 == length) {
    const unsigned shift = unit_shift(text[at]);
    if (shift == 64 || number > (UINT64_MAX >> shift)) return false;
    number <<= shift;
  } else if (at != length) {
    return false;
  }
  value = number;
  return true;
}

void Options::set(Option option, std::uint64_t value) noexcept {
  const OptionRow& row = kRows[static_cast<unsigned>(option)];
  if (value < row.lowest) value = row.lowest;
  if (value > row.highest) value = row.highest;
  values_[static_cast<unsigned>(option)].store(value, std::memory_order_relaxed);
}

long long Options::by_name(const char* name) const noexcept {
  if (name == nullptr) return -1;
  const unsigned row = row_of(name, std::strlen(name));
  return row == kNotFound ? -1 : static_cast<long long>(get(static_cast<Option>(row)));
}

void Options::apply_one(const char* entry, std::size_t length) noexcept {
  if (length == 0) return;
  const void* const equals = std::memchr(entry, '=', length);
  const std::size_t name_length =
      equals == nullptr ? length
                        : static_cast<std::size_t>(static_cast<const char*>(equals) - entry);
  const unsigned row = row_of(entry, name_length);
  if (row == kNotFound) {
    Message()
        .text("REFMALLOC_CONF: unknown key '")
        .text(entry, name_length)
        .text("' ignored")
        .write();
    return;
  }
  std::uint64_t value = 0;
  const std::size_t value_at = name_length + 1;
  if (value_at >= length || !parse_quantity(entry + value_at, length - value_at, value)) {
    Message().text("REFMALLOC_CONF: no number in '").text(entry, length).text("', ignored").write();
    return;
  }
  set(static_cast<Option>(row), value);
}

void Options::apply(const char* text) noexcept {
  while (*text != '\0') {
    const std::size_t length = std::strcspn(text, ",");
    apply_one(text, length);
    text += length;
    if (*text == ',') ++text;
  }
}

bool Options::load_environment() noexcept {
  if (environ == nullptr) return false;
  if (loaded_.exchange(true, std::memory_order_relaxed)) return true;
  // A program with raised privileges does not take settings from its caller.
  const char* const text = secure_getenv("REFMALLOC_CONF");
  if (text != nullptr) apply(text);
  return true;
}

}  // namespace refmalloc

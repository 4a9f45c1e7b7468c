#include "allocators/reference/options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "allocators/reference/message.h"

namespace refmalloc {

constinit Options options(kInitialOptions);

namespace {

// Longer names are cut in messages, and near to nothing.
constexpr std::size_t kLongestName = 40;

bool equals(const char* word, const char* text, std::size_t length) noexcept {
  return std::strlen(word) == length && std::memcmp(word, text, length) == 0;
}

unsigned row_of(const char* name, std::size_t length) noexcept {
  unsigned row = 0;
  while (row < kOptionsCount && !equals(kOptionRows[row].name, name, length)) ++row;
  return row;
}

// How many letters have to be put in, left out or changed to make one text of the other. Only the
// row of the table that is being filled is kept.
std::size_t edits_between(const char* a, std::size_t a_length, const char* b) noexcept {
  const std::size_t b_length = std::strlen(b);
  std::size_t row[kLongestName + 1];
  for (std::size_t j = 0; j <= b_length; ++j) row[j] = j;
  for (std::size_t i = 1; i <= a_length; ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b_length; ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b_length];
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

void report_unknown_key(const char* name, std::size_t length) noexcept {
  Message message;
  message.text("REFMALLOC_CONF: unknown key '").text(name, std::min(length, kLongestName));
  message.text("' ignored");
  if (const char* const near = nearest_option(name, length); near != nullptr) {
    message.text("; did you mean ").text(near).text("?");
  }
  message.write();
}

void report_bad_value(const OptionRow& row, const char* text, std::size_t length) noexcept {
  Message message;
  message.text("REFMALLOC_CONF: ").text(row.name).text(" cannot be '");
  message.text(text, std::min(length, kLongestName)).text("', ignored; give ");
  if (row.words == nullptr) {
    message.text("a number from ").number(row.lowest).text(" to ").number(row.highest);
  } else {
    for (std::uint64_t word = 0; word <= row.highest; ++word) {
      message.text(word == 0 ? "" : word == row.highest ? " or " : ", ").text(row.words[word]);
    }
  }
  message.write();
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

bool parse_word(const OptionRow& row, const char* text, std::size_t length,
                std::uint64_t& value) noexcept {
  for (std::uint64_t word = 0; word <= row.highest; ++word) {
    if (!equals(row.words[word], text, length)) continue;
    value = word;
    return true;
  }
  return false;
}

const char* nearest_option(const char* name, std::size_t length) noexcept {
  if (length == 0 || length > kLongestName) return nullptr;
  const char* nearest = nullptr;
  std::size_t fewest = SIZE_MAX;
  for (const OptionRow& row : kOptionRows) {
    const std::size_t edits = edits_between(name, length, row.name);
    // A quarter of the letters, so that a short name is not near to everything.
    if (edits > 1 + std::strlen(row.name) / 4 || edits >= fewest) continue;
    fewest = edits;
    nearest = row.name;
  }
  return nearest;
}

void Options::set(Option option, std::uint64_t value) noexcept {
  const OptionRow& row = kOptionRows[static_cast<unsigned>(option)];
  if (value < row.lowest) value = row.lowest;
  if (value > row.highest) value = row.highest;
  values_[static_cast<unsigned>(option)].store(value, std::memory_order_relaxed);
}

long long Options::by_name(const char* name) const noexcept {
  if (name == nullptr) return -1;
  const unsigned row = row_of(name, std::strlen(name));
  return row == kOptionsCount ? -1 : static_cast<long long>(get(static_cast<Option>(row)));
}

void Options::apply_one(const char* entry, std::size_t length) noexcept {
  if (length == 0) return;
  const void* const equals = std::memchr(entry, '=', length);
  const std::size_t name_length =
      equals == nullptr ? length
                        : static_cast<std::size_t>(static_cast<const char*>(equals) - entry);
  const unsigned found = row_of(entry, name_length);
  if (found == kOptionsCount) {
    report_unknown_key(entry, name_length);
    return;
  }
  const OptionRow& row = kOptionRows[found];
  const std::size_t value_at = std::min(name_length + 1, length);
  const char* const text = entry + value_at;
  std::uint64_t value = 0;
  const bool understood = row.words == nullptr ? parse_quantity(text, length - value_at, value)
                                               : parse_word(row, text, length - value_at, value);
  if (understood) {
    set(static_cast<Option>(found), value);
  } else {
    report_bad_value(row, text, length - value_at);
  }
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

// Text put together in place, where there is no heap: for names under /proc and lines of JSON.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace heapwise {

/// At most kCapacity - 1 characters; what does not fit is left out and is_complete() says so.
template <std::size_t kCapacity>
class TextBuffer {
 public:
  void append(std::string_view text) {
    for (const char character : text) append_character(character);
  }

  void append_number(std::int64_t number) {
    std::array<char, 20> digits{};
    std::size_t count = 0;
    auto rest = static_cast<std::uint64_t>(number);
    if (number < 0) {
      append_character('-');
      rest = 0 - rest;
    }
    do {
      digits[count++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    while (count > 0) append_character(digits[--count]);
  }

  /// A JSON string. Bytes that are not UTF-8, which a path may hold, become U+FFFD.
  void append_json_string(std::string_view text) {
    append_character('"');
    while (!text.empty()) {
      const std::size_t length = valid_sequence_length(text);
      if (length == 0) {
        append("\\ufffd");
      } else if (length == 1) {
        append_json_ascii(text[0]);
      } else {
        append({text.data(), length});  // substr() could throw
      }
      text.remove_prefix(length == 0 ? 1 : length);
    }
    append_character('"');
  }

  /// Closed by a NUL.
  const char* text() const { return characters_.data(); }
  std::size_t length() const { return length_; }
  bool is_complete() const { return !is_cut_; }

 private:
  void append_character(char character) {
    if (length_ + 1 < kCapacity) {
      characters_[length_++] = character;
      characters_[length_] = '\0';
    } else {
      is_cut_ = true;
    }
  }

  void append_json_ascii(char character) {
    if (character == '"' || character == '\\') {
      append_character('\\');
      append_character(character);
    } else if (character < ' ') {
      append("\\u00");
      append_character(kDigits[static_cast<unsigned char>(character) >> 4]);
      append_character(kDigits[static_cast<unsigned char>(character) & 15]);
    } else {
      append_character(character);
    }
  }

  // Of the UTF-8 sequence that `text` begins with: 1 to 4, or 0 for a byte that begins none.
  static std::size_t valid_sequence_length(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                               : first >= 0xe0 && first <= 0xef ? 3
                               : first >= 0xf0 && first <= 0xf4 ? 4
                                                                : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    // Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte.
    const unsigned char second = byte(1);
    if (first == 0xe0 && second < 0xa0) return 0;
    if (first == 0xed && second > 0x9f) return 0;
    if (first == 0xf0 && second < 0x90) return 0;
    if (first == 0xf4 && second > 0x8f) return 0;
    return length;
  }

  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<char, kCapacity> characters_{};
  std::size_t length_ = 0;
  bool is_cut_ = false;  // all zero at first, so that a static one lies in .bss
};

}  // namespace heapwise

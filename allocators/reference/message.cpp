#include "allocators/reference/message.h"

#include <cstdlib>

#include "allocators/reference/os.h"

namespace refmalloc {

void Message::append(char letter) noexcept {
  // What a program's environment holds must not move the cursor or end the line.
  const bool printable = letter >= ' ' && letter <= '~';
  // One place is kept for the newline.
  if (length_ + 1 < kCapacity) buffer_[length_++] = printable ? letter : '?';
}

Message& Message::text(const char* words) noexcept {
  for (; *words != '\0'; ++words) append(*words);
  return *this;
}

Message& Message::text(const char* words, std::size_t length) noexcept {
  for (std::size_t i = 0; i < length; ++i) append(words[i]);
  return *this;
}

void Message::digits(std::uint64_t value, unsigned base) noexcept {
  char reversed[24];
  std::size_t count = 0;
  do {
    reversed[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (count > 0) append(reversed[--count]);
}

Message& Message::number(std::uint64_t value) noexcept {
  digits(value, 10);
  return *this;
}

void Message::spaces(std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) append(' ');
}

Message& Message::right(std::uint64_t value, std::size_t columns) noexcept {
  std::size_t width = 1;
  for (std::uint64_t rest = value / 10; rest != 0; rest /= 10) ++width;
  spaces(width < columns ? columns - width : 0);
  return number(value);
}

Message& Message::right(const char* words, std::size_t columns) noexcept {
  const std::size_t width = __builtin_strlen(words);
  spaces(width < columns ? columns - width : 0);
  return text(words);
}

Message& Message::left(const char* words, std::size_t columns) noexcept {
  const std::size_t width = __builtin_strlen(words);
  text(words).spaces(width < columns ? columns - width : 0);
  return *this;
}

Message& Message::address(const void* pointer) noexcept {
  text("0x");
  digits(reinterpret_cast<std::uintptr_t>(pointer), 16);
  return *this;
}

Message& Message::inside_object(const void* pointer, const void* object,
                                std::size_t bytes) noexcept {
  return text(" of a pointer into the middle of an object: ")
      .address(pointer)
      .text(" (object of ")
      .number(bytes)
      .text(" bytes at ")
      .address(object)
      .text(")");
}

void Message::write() noexcept {
  buffer_[length_++] = '\n';
  os::write_to_stderr(buffer_, length_);
  length_ = 0;
}

void abort_over(const char* fault, const void* pointer) noexcept {
  Message().text(fault).text(": ").address(pointer).write();
  std::abort();
}

}  // namespace refmalloc

// A line of text for stderr, put together in a fixed buffer because the heap may be broken.
//
// What does not fit is cut off; the line always ends with a newline.
#pragma once

#include <cstddef>
#include <cstdint>

namespace refmalloc {

class Message {
 public:
  Message() { text("refmalloc: "); }
  explicit Message(const char* words) { text(words); }  // a line of a table

  Message& text(const char* words) noexcept;
  Message& text(const char* words, std::size_t length) noexcept;
  Message& number(std::uint64_t value) noexcept;
  // At the right or left end of so many columns, for tables.
  Message& right(std::uint64_t value, std::size_t columns) noexcept;
  Message& right(const char* words, std::size_t columns) noexcept;
  Message& left(const char* words, std::size_t columns) noexcept;
  Message& address(const void* pointer) noexcept;

  // " of a pointer into the middle of an object: …" with the object.
  Message& inside_object(const void* pointer, const void* object, std::size_t bytes) noexcept;

  void write() noexcept;

  [[nodiscard]] const char* begin() const noexcept { return buffer_; }
  [[nodiscard]] std::size_t length() const noexcept { return length_; }

 private:
  static constexpr std::size_t kCapacity = 240;

  void append(char letter) noexcept;
  void digits(std::uint64_t value, unsigned base) noexcept;
  void spaces(std::size_t count) noexcept;

  char buffer_[kCapacity] = {};
  std::size_t length_ = 0;
};

// Ends the process because the program has broken the heap's rules: `fault` says how.
[[noreturn]] void abort_over(const char* fault, const void* pointer) noexcept;

}  // namespace refmalloc

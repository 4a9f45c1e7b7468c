// Quantities that carry their unit in their type, and the one way to read and print sizes.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heapwise {

template <class Unit>
struct Quantity {
  std::uint64_t value = 0;

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator+(Quantity other) const { return {value + other.value}; }
  constexpr Quantity operator-(Quantity other) const { return {value - other.value}; }
  constexpr Quantity& operator+=(Quantity other) {
    value += other.value;
    return *this;
  }
};

using Bytes = Quantity<struct BytesUnit>;
using Nanoseconds = Quantity<struct NanosecondsUnit>;

inline constexpr Bytes kKiB{std::uint64_t{1} << 10};
inline constexpr Bytes kMiB{std::uint64_t{1} << 20};
inline constexpr Bytes kGiB{std::uint64_t{1} << 30};

/// Reads a whole number with an optional K, M or G (powers of 1024), such as `128K`.
/// Returns nothing where the text is not exactly that or does not fit 64 bits. glibc itself reads
/// `128K` as 128 bytes, so sizes are always handed on as plain bytes.
std::optional<std::uint64_t> parse_scaled(std::string_view text);

/// The shortest exact form: 131072 -> `128K`, 100 -> `100`.
std::string format_scaled(std::uint64_t value);

}  // namespace heapwise

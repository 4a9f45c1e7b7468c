// The kernel's texts of lines such as "VmRSS:     1636 kB": /proc/PID/status, /proc/meminfo.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/core/units.h"

namespace heapwise {

/// What follows KEY and a colon on the line that begins with them, without the blanks around it.
std::optional<std::string_view> value_of(std::string_view text, std::string_view key);

/// The number that this value begins with.
std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key);

/// The number that a text begins with; nothing where it begins with none.
std::optional<std::uint64_t> leading_number(std::string_view text);

/// A size, which these files count in kB of 1024 bytes; 0 where there is no such line.
Bytes bytes_of(std::string_view text, std::string_view key);

/// The choice in square brackets: `always [madvise] never`. Empty where there is none.
std::string chosen_of(std::string_view text);

/// The text without white space at its end.
std::string_view trimmed(std::string_view text);

}  // namespace heapwise

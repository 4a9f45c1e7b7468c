// Figures in sentences.
#pragma once

#include <cstdint>
#include <string>

namespace heapwise {

/// With a comma before every three digits: 135,168.
std::string grouped(std::int64_t figure);

/// The same with its sign, +135,168 or -4,096 or +0: a difference.
std::string grouped_difference(std::int64_t figure);

/// Of bytes, rounded, in the largest unit of which there is one: 45079976738816 -> `41.0 TiB`.
std::string rounded_bytes(std::int64_t bytes);

}  // namespace heapwise

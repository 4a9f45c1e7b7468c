// Figures for people: three digits and a unit.
#pragma once

#include <cstdint>
#include <string>

#include "bench/core/units.h"

namespace heapwise {

/// `0`, `512 B`, `132 KiB`, `2.13 GiB`.
std::string size_text(Bytes bytes);

/// `+1.50 MiB`, `-12.0 KiB`, `0`.
std::string growth_text(std::int64_t bytes);

/// `12,345,678`.
std::string count_text(std::uint64_t count);

/// `0`, `0.3`, `3.1`, `12,346`: events a second.
std::string rate_text(double per_second);

/// `0 %`, `0.4 %`, `37 %`, `180 %`.
std::string share_text(double share);

/// `3.8 ms`, `140 ms`, `1.0 s`, `12 s`: short times.
std::string seconds_text(Nanoseconds time);

}  // namespace heapwise

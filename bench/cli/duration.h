// Durations as they are typed: `90s`, `5m`, `1h`.
#pragma once

#include <string>

#include "bench/core/units.h"

namespace heapwise {

/// Throws UsageError naming `option` for anything but a whole number above 0 with s, m or h.
Nanoseconds parse_duration(const std::string& option, const std::string& text);

}  // namespace heapwise

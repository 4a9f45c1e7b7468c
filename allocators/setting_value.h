// What a user may write for a setting, and the plain form in which it is handed on: glibc silently
// reads `128K` as 128 bytes, so no suffix ever reaches an allocator.
#pragma once

#include <string>
#include <string_view>

#include "allocators/descriptor.h"

namespace heapwise {

/// The plain value: sizes and counts without suffix, flags as 1 or 0, texts as they are.
/// Throws UsageError, naming `allocator`, the key, the value and what is allowed.
std::string plain_value(std::string_view allocator, const Setting& setting,
                        const std::string& text);

/// "from 1 to 4094", "one of default, always, never", …
std::string allowed_values(const Setting& setting);

/// Whether two plain values say the same: 1 and true, 5 and 5.0.
bool same_value(const Setting& setting, const std::string& left, const std::string& right);

}  // namespace heapwise

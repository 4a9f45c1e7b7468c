// Which allocators are measured when none are named.
#pragma once

#include <string>
#include <vector>

#include "bench/core/spec.h"

namespace heapwise {

/// Every allocator of the catalogue but the harness's own and those measured on request only.
std::vector<Spec> default_allocators();

/// The specs in the texts, which may hold several each; the default ones when there are none.
/// Throws UsageError when one is named twice or belongs to the harness.
std::vector<Spec> chosen_allocators(const std::vector<std::string>& texts);

}  // namespace heapwise

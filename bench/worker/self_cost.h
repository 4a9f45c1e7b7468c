// The harness measures itself: what a figure contains that is not the allocator's.
#pragma once

namespace heapwise {

/// Prints one JSON object {"rows": [{"name", "value", "unit", "target", "how"}]} and returns main's
/// exit code. On the null allocator the rows of the slice loop are included, because only there the
/// bare calls are known to do nothing.
int print_self_cost();

}  // namespace heapwise

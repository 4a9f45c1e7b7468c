// The top chunk of glibc's main heap: the free memory before the heap's end, which serves a request
// when no freed block does.
#pragma once

#include <cstddef>

namespace heapwise {

/// Its size, header included.
std::size_t top_bytes();

/// Allocates from it until it can serve nothing more. Freed blocks would serve in its place: there
/// must be none.
void use_up_top();

}  // namespace heapwise

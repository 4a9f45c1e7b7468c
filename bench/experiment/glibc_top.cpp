#include "bench/experiment/glibc_top.h"

#include <malloc.h>
#include <stdlib.h>

namespace heapwise {

std::size_t top_bytes() {
  return mallinfo2().keepcost;
}

void use_up_top() {
  constexpr std::size_t kPieceBytes = 1000;
  constexpr std::size_t kSmallestPieceBytes = 24;
  // The top keeps room for a smallest chunk; with less than two it serves none.
  constexpr std::size_t kTwoSmallestChunksBytes = 8 * sizeof(void*);
  malloc(1);  // before the first one there is no top
  while (top_bytes() > 4 * kPieceBytes) malloc(kPieceBytes);
  while (top_bytes() >= kTwoSmallestChunksBytes) malloc(kSmallestPieceBytes);
}

}  // namespace heapwise

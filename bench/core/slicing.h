// How the operations of a cell are cut: slices of equal numbers of batches, batches of equal
// numbers of operations.
//
//     slice:   | lead-in, untimed | timed batches |     repeated slices_count times
#pragma once

#include <cstdint>

namespace heapwise {

struct Slicing {
  std::uint64_t slices_count = 1;
  std::uint64_t batches_per_slice = 1;
  std::uint64_t lead_in_batches = 0;

  bool operator==(const Slicing&) const = default;
};

}  // namespace heapwise

// Where an answer changes, found by halving.
#pragma once

#include <cstddef>

namespace heapwise {

/// The largest value below `high` for which `is_so` is true, one below the smallest for which it is
/// not. The caller knows that it is true of `low` and not of `high`, and that it changes once.
template <class Question>
std::size_t last_true(std::size_t low, std::size_t high, const Question& is_so) {
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (is_so(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace heapwise

// What stops the parent although the user typed nothing wrong: a full disk, a missing part.
#pragma once

#include <stdexcept>

namespace heapwise {

/// The message says what failed, the value, and what to do next.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace heapwise

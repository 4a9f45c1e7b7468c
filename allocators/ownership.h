// Whether a fresh object really belongs to the allocator a process claims to run on. A library that
// exports another's calls but hands the work to the C library is found out here.
#pragma once

#include <string>

#include "allocators/descriptor.h"

namespace heapwise {

struct OwnershipFinding {
  enum class Answer { kUnknown, kOwned, kForeign };
  Answer answer = Answer::kUnknown;
  std::string text = {};  // what was asked and what came back
};

/// Makes one object of a few kilobytes, asks, and frees it. Where a call could answer yes to
/// anything, it is also asked about memory that no allocator ever had.
OwnershipFinding prove_ownership(const Ownership& ownership);

}  // namespace heapwise

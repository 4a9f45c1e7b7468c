// Which blocks of a plan the records of an earlier sitting already settle.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "bench/run/plan.h"

namespace heapwise {

class History {
 public:
  /// Throws RunError when a record belongs to no group of the plan.
  History(const Plan& plan, const std::vector<Json>& records);

  /// Every allocator of the group has a record that was not interrupted, all of one attempt.
  bool is_complete(BlockRef ref) const;
  /// 0 for a block that was never begun, else one more than its last attempt.
  unsigned next_attempt(BlockRef ref) const;
  std::size_t complete_runs_count() const;
  /// Statuses of complete blocks that are not ok.
  std::size_t failed_runs_count() const;

 private:
  struct Attempt {
    unsigned number = 0;
    std::size_t settled = 0;  // records that were not interrupted
    std::size_t failed = 0;   // of those, not ok
    bool complete = false;
  };
  const Attempt* find(BlockRef ref) const;

  std::map<std::pair<std::size_t, unsigned>, Attempt> last_attempts_;
};

}  // namespace heapwise

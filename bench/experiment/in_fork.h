// Something tried in a fork: whatever it does to malloc's state is lost with it, so that many
// attempts can begin from the same state.
#pragma once

#include <sys/mman.h>

#include <new>
#include <type_traits>

#include "bench/experiment/trial.h"

namespace heapwise {

/// What `attempt()` returns in a fork of this process as it is now. The page in which it is handed
/// over is mapped, not malloc'ed. Refuses where there can be no fork or the attempt is cut short.
template <class Result, class Attempt>
Result in_fork(Report& report, const Attempt& attempt) {
  static_assert(std::is_trivially_copyable_v<Result>);
  auto* const shared = new (shared_memory(report, sizeof(Result))) Result{};
  const TrialEnd end = try_in_fork([&] { *shared = attempt(); });
  const Result result = *shared;
  munmap(shared, sizeof(Result));
  if (!end.ended_well()) report.refuse("an attempt in a fork", "it did not come to its end");
  return result;
}

}  // namespace heapwise

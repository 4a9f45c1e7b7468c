// Something tried in a fork: whatever it does to malloc's state is lost with it, so that many
// attempts can begin from the same state.
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>
#include <type_traits>

#include "bench/experiment/report.h"

namespace heapwise {

/// What `attempt()` returns in a fork of this process as it is now. The page in which it is handed
/// over is mapped, not malloc'ed. Refuses where there can be no fork or the attempt is cut short.
template <class Result, class Attempt>
Result in_fork(Report& report, const Attempt& attempt) {
  static_assert(std::is_trivially_copyable_v<Result>);
  void* const page =
      mmap(nullptr, sizeof(Result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) report.refuse("mmap of a shared page");
  auto* const shared = new (page) Result{};
  const pid_t child = fork();
  if (child < 0) report.refuse("fork");
  if (child == 0) {
    *shared = attempt();
    _exit(EXIT_SUCCESS);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const Result result = *shared;
  munmap(page, sizeof(Result));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) {
    report.refuse("an attempt in a fork", "it did not come to its end");
  }
  return result;
}

}  // namespace heapwise

// What the experiments meet here: C library, kernel, rights. Where a claim needs what is not there,
// its row is skipped and says why.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/claims/experiment_runner.h"
#include "bench/run/json.h"

namespace heapwise {

/// What a claim cannot be tested without.
enum class Need {
  kGlibcMalloc,       // the C library's own malloc answers, and it is glibc's
  kDefaultSettings,   // no GLIBC_TUNABLES and no MALLOC_* in the experiment's environment
  kSmallPages,        // 4 KiB pages
  kNoHugePageAlways,  // anonymous memory gets huge pages only where madvise asks for them
  kHugePageOnDemand,  // and there it does get them
  kX86_64,
};

struct Conditions {
  std::string libc_version;    // gnu_get_libc_version
  std::string machine;         // uname -m
  std::string kernel;          // uname -r
  std::string malloc_library;  // the object that answers malloc in an experiment
  std::string huge_pages;      // always, madvise, never; empty: the kernel has none
  std::int64_t page_bytes = 0;
  bool is_root = false;
  bool has_swap = false;
  bool has_seccomp = false;                  // a seccomp filter is on this process
  std::vector<std::string> malloc_settings;  // NAME=VALUE that the experiments start with

  /// Why `need` is not met, and what would help; empty: it is met.
  std::string why_not(Need need) const;
};

/// Asks an experiment of that name and reads /proc and /sys.
Conditions read_conditions(ExperimentRunner& runner, const std::vector<std::string>& environment);

Json to_json(const Conditions& conditions);

}  // namespace heapwise

// The memory limit of a campaign: where the cgroups of its runs are made.
//
//     v1   OWN ── run                OWN: the group that heapwise was started in
//     v2   OWN ─┬ heapwise itself    which hands its memory controller down, and may do so only
//               └ run                when no process is in it: so heapwise moves down as well
//
// What was changed in OWN is undone at the end. Nothing is made outside of OWN: the limits that
// were set for heapwise and its children hold as before.
#pragma once

#include <optional>

#include "bench/core/units.h"
#include "bench/run/cgroup_files.h"
#include "bench/run/cgroup_location.h"
#include "bench/run/memory_cgroup.h"

namespace heapwise {

/// This machine's.
CgroupFiles& system_cgroup_files();

class MemoryLimit {
 public:
  /// Makes sure that groups can be made. Throws RunError that says what is missing and what to do.
  explicit MemoryLimit(Bytes limit, CgroupFiles& files = system_cgroup_files());

  Bytes bytes() const { return limit_; }

  /// A fresh one, for one run. Throws RunError; must not outlive this.
  MemoryCgroup make_group() { return {files_, own_, limit_}; }

 private:
  /// This process, moved into a group below its own until the end.
  class MovedDown {
   public:
    MovedDown(CgroupFiles& files, const std::string& own);
    ~MovedDown();
    MovedDown(const MovedDown&) = delete;
    MovedDown& operator=(const MovedDown&) = delete;

   private:
    CgroupFiles& files_;
    std::string own_;
    CgroupFolder folder_;
  };

  /// The memory controller, handed down by a group until the end.
  class HandedDown {
   public:
    HandedDown(CgroupFiles& files, std::string file) : files_(files), file_(std::move(file)) {}
    ~HandedDown() { files_.write(file_, "-memory"); }
    HandedDown(const HandedDown&) = delete;
    HandedDown& operator=(const HandedDown&) = delete;

   private:
    CgroupFiles& files_;
    std::string file_;
  };

  void hand_controller_down();

  Bytes limit_;
  CgroupFiles& files_;
  CgroupLocation own_;
  std::optional<MovedDown> moved_;        // undone last
  std::optional<HandedDown> controller_;  // undone first
};

}  // namespace heapwise

// The profiles: which cells a campaign measures, and how often. One readable table each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/core/units.h"

namespace heapwise {

/// A pass over a cell: how many blocks, and by what its operations are divided.
struct PassBlocks {
  std::string_view pass;
  unsigned blocks;
  std::uint64_t operations_divisor = 1;
};

/// A workload spec with its passes.
struct ProfileRow {
  std::string_view workload;
  std::span<const PassBlocks> passes;
};

/// One allocator's settings against each other, over one workload.
struct Sweep {
  std::string_view workload;
  std::span<const std::string_view> specs;  // the first is the baseline
  std::span<const PassBlocks> passes;
};

struct Profile {
  std::string_view name;
  std::string_view summary;             // for --help
  std::span<const ProfileRow> rows;     // every allocator against the baseline
  std::span<const PassBlocks> on_call;  // of a workload that is named and has no row, as it fits
  // On the null allocator: the loop of each row, and its calls one by one where the row times them.
  std::span<const PassBlocks> own_cost;
  std::span<const Sweep> sweeps;
  unsigned program_blocks;  // of each app that is asked for
  /// What a run is given at least; twice that until its baseline has been timed.
  Nanoseconds run_timeout{30'000'000'000};
};

std::span<const Profile> all_profiles();

/// "smoke, quick, … or …", for people.
std::string profile_choice();

/// Throws UsageError for an unknown name.
const Profile& find_profile(std::string_view name);

}  // namespace heapwise

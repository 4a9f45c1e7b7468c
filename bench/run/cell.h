// What is measured: a cell is one run's worth, a group is the cells that may be compared.
//
//     group ── block 0 ── run of glibc, run of refmalloc, …   (random order, close in time)
//           └─ block 1 ── …
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/core/slicing.h"
#include "bench/run/injection.h"
#include "bench/run/json.h"

namespace heapwise {

struct Cell {
  std::string workload;
  Json parameters;  // every parameter spelled out; of a command {"command": TEXT}
  std::string allocator;
  unsigned threads = 1;
  std::string pass;
};

enum class Purpose { kComparison, kSweep, kOwnCost, kCommand };

struct Group {
  std::string workload;
  Json parameters;
  unsigned threads = 1;
  std::string pass;
  unsigned blocks = 0;
  Purpose purpose = Purpose::kComparison;
  std::string baseline;
  std::vector<std::string> allocators;
  Json metrics = Json::array();    // the user's own: [{name, pattern, better}]
  std::optional<Slicing> slicing;  // of pass lockstep, whose blocks are pairs of live processes
  // Of a calibration: how many successive blocks stand for one comparison, and what is done to the
  // candidate.
  unsigned comparison_blocks = 0;
  std::optional<Injection> injection;

  Cell cell(const std::string& allocator) const {
    return {workload, parameters, allocator, threads, pass};
  }
  /// The null allocator's runs are held to none: it shows what the harness costs, never uses memory
  /// twice, and would seldom live on what is enough for an allocator.
  bool obeys_memory_limit() const { return purpose != Purpose::kOwnCost; }
  /// Nothing outside a calibration; in one the baseline's dials are all at 0.
  std::optional<Injection> injection_of(const std::string& allocator) const {
    return injection && allocator == baseline ? Injection{} : injection;
  }
  /// For people, and to type again: `large_churn:size=1M,window=1`, without what is at its default;
  /// of a command its text.
  std::string title() const;
};

std::string_view purpose_name(Purpose purpose);

Json to_json(const Slicing& slicing);
Json to_json(const Cell& cell);
Json to_json(const Group& group);
Cell cell_from_json(const Json& json);
Group group_from_json(const Json& json);

}  // namespace heapwise

// What one run of a cell measured: plain numbers in the worker, JSON on their way to the parent.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/core/pass.h"
#include "bench/core/units.h"
#include "bench/probe/allocator_statistics.h"
#include "bench/probe/fault_counter.h"
#include "bench/probe/latency_recorder.h"
#include "bench/probe/timeline.h"

namespace heapwise {

struct Work {
  std::uint64_t operations_count = 0;
  std::uint64_t heap_calls_count = 0;  // counted where the shim is preloaded, else announced
  std::uint64_t requested_bytes = 0;
  Bytes harness;
};

struct MemoryFigures {
  MemorySample before;  // the tables populated, no call by the workload yet
  MemorySample end;
  MemoryPeaks peak;
  Bytes rss_drained;
  Bytes anon_huge;
  FaultCounts faults;
};

struct Figures {
  std::string status = "ok";
  std::string status_detail;
  Work work;
  std::vector<Nanoseconds> slices;
  std::uint64_t timed_operations_count = 0;  // in the slices; lead-ins are work, and not timed
  Nanoseconds cpu;
  MemoryFigures memory;
  std::unique_ptr<Timeline> timeline;             // of a pass that samples memory
  std::unique_ptr<LatencyRecorder> latencies;     // of all threads, of a pass that times calls
  std::optional<AllocatorStatistics> statistics;  // of a pass that reads them
};

/// Line 4 of docs/protocols.md, with the metrics of `pass`; no metrics unless the status is ok.
nlohmann::json to_json(const Figures& figures, const Pass& pass);

}  // namespace heapwise

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
  std::optional<std::uint64_t> library_calls_count = {};  // where the shim is preloaded
};

struct MemoryFigures {
  MemorySample before;  // the tables populated, no call by the workload yet
  MemorySample end;
  MemoryPeaks peak;
  Bytes rss_drained;
  Bytes anon_huge;
  FaultCounts faults;
};

/// Where the bytes above the live ones lie, at the end of the region.
struct FragmentationFigures {
  Bytes live;          // that the workload asked for
  Bytes usable;        // malloc_usable_size of the same objects
  Bytes rss_end;       // as the region left it
  Bytes rss_released;  // after release_memory, the objects still live
  Bytes rss_empty;     // after they were freed and memory was released again
  bool was_released = false;
};

/// The response times of a stretch of requests.
struct TailPoint {
  std::uint64_t operations_count;  // at its end
  Ticks p50, p99, p999, largest;
};

struct RequestFigures {
  LatencyHistogram responses;   // of all threads
  std::vector<TailPoint> tail;  // slice by slice, of a workload on one thread
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
  std::unique_ptr<RequestFigures> requests;       // of a pass that paces them
  std::optional<FragmentationFigures> fragmentation;
};

/// Line 4 of docs/protocols.md, with the metrics of `pass`; no metrics unless the status is ok.
nlohmann::json to_json(const Figures& figures, const Pass& pass);

}  // namespace heapwise

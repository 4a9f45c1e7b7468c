// One cell in this process: a workload on a type of heap with the probes of one pass.
//
//     make_cell_run → prepare() → begin_region() → run_slice() × slices_count → end_region() →
//     take_figures()
//
// Between begin_region and end_region every heap call is the workload's own, or the C library's
// where the workload starts threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "allocators/descriptor.h"
#include "bench/core/pass.h"
#include "bench/core/slicing.h"
#include "bench/worker/figures.h"
#include "workloads/workload.h"

namespace heapwise {

struct CellPlan {
  const WorkloadDescriptor* workload;
  Parameters parameters;
  const Pass* pass;
  std::uint64_t seed;
  // Thread i stays on cpus[i % size]; empty: on the CPUs that the process may use, spread likewise.
  std::vector<int> cpus;
  std::optional<Slicing> slicing;              // prescribed; else slicing_of
  std::span<const Statistic> statistics = {};  // what this process's allocator can be asked for
  Release release = {};                        // how it is made to give memory back
};

/// How a cell's operations are cut where nothing is prescribed: as `operations` says, rounded up to
/// whole slices. A workload with threads has one slice.
Slicing slicing_of(const CellPlan& plan);

class CellRun {
 public:
  virtual ~CellRun() = default;

  /// Brings the live set to its steady state.
  virtual void prepare() = 0;
  /// Time of the slice's batches, without its lead-in and without the drawing of their random
  /// numbers. After the last slice the probes have been read and the live set freed.
  virtual Nanoseconds run_slice() = 0;
  virtual Figures take_figures() = 0;
  /// Resident memory after the tables were populated and before the first heap call.
  virtual Bytes rss_before() const = 0;
};

/// Builds the workload's tables and the probes' storage; makes no call to the heap under test of
/// its own (starting threads makes the C library call it).
std::unique_ptr<CellRun> make_cell_run(const CellPlan& plan);

}  // namespace heapwise

#include "bench/worker/google_benchmark.h"

#include <benchmark/benchmark.h>

#include <string>

namespace heapwise {
namespace {

constexpr std::uint64_t kSeedByHand = 1;

class SilentReporter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

double seconds(Nanoseconds duration) {
  return static_cast<double>(duration.value) * 1e-9;
}

void run_slices(CellRun& run, benchmark::State& state, const Pacing& pacing) {
  run.prepare();
  pacing.before_region();
  state.SetIterationTime(0.0);  // its page of code must not be the region's first fault
  for (auto _ : state) {
    pacing.before_slice();
    state.SetIterationTime(seconds(run.run_slice()));
    pacing.after_slice();
  }
}

void run_registered(const CellPlan& plan, benchmark::State& state) {
  const auto run = make_cell_run(plan);
  run_slices(*run, state, {});
  const auto figures = run->take_figures();
  state.SetItemsProcessed(static_cast<std::int64_t>(figures.work.operations_count));
  state.counters["heap_calls"] = static_cast<double>(figures.work.heap_calls_count);
}

}  // namespace

void run_cell(CellRun& run, const Slicing& slicing, const Pacing& pacing) {
  const auto measure = [&](benchmark::State& state) { run_slices(run, state, pacing); };
  benchmark::RegisterBenchmark("cell", measure)
      ->Iterations(static_cast<benchmark::IterationCount>(slicing.slices_count))
      ->UseManualTime();
  SilentReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter, "cell");
  benchmark::ClearRegisteredBenchmarks();
}

int run_by_hand(int argc, char** argv) {
  for (const auto* workload : all_workloads()) {
    const CellPlan plan{.workload = workload,
                        .parameters = resolve_parameters({.name = std::string(workload->name)}),
                        .pass = find_pass("throughput"),
                        .seed = kSeedByHand};
    benchmark::RegisterBenchmark(plan.workload->name.data(),
                                 [plan](benchmark::State& state) { run_registered(plan, state); })
        ->Iterations(static_cast<benchmark::IterationCount>(slicing_of(plan).slices_count))
        ->UseManualTime();
  }
  // Debian's library says it was built as DEBUG; what counts is how the measured code was built.
#ifdef NDEBUG
  benchmark::AddCustomContext("heapwise_build_type", "release");
#else
  benchmark::AddCustomContext("heapwise_build_type", "debug");
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace heapwise

#include "bench/worker/self_cost.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/core/clock.h"
#include "bench/probe/memory_sampler.h"
#include "bench/worker/cell_run.h"
#include "bench/worker/google_benchmark.h"
#include "bench/worker/region.h"

namespace heapwise {
namespace {

using nlohmann::json;

constexpr int kRepetitions = 15;
constexpr std::uint64_t kSeed = 1;

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

template <class Measure>
double median_of_repetitions(Measure measure) {
  std::vector<double> values(kRepetitions);
  std::generate(values.begin(), values.end(), measure);
  return median(std::move(values));
}

CellPlan plan_of(const std::string& workload, const char* pass) {
  const Spec spec = parse_spec(workload);
  return {.workload = find_workload(spec.name),
          .parameters = resolve_parameters(spec),
          .pass = find_pass(pass),
          .seed = kSeed};
}

Figures run_cell(const CellPlan& plan) {
  const auto run = make_cell_run(plan);
  run_cell(*run, slicing_of(plan), {});
  return run->take_figures();
}

double wall_ns(const Figures& figures) {
  std::uint64_t total = 0;
  for (const auto slice : figures.slices) total += slice.value;
  return static_cast<double>(total);
}

/// Free, malloc and a write of the first byte with nothing around them: what no harness can avoid.
double bare_calls_ns() {
  constexpr std::uint64_t kPairs = 4'000'000;
  constexpr std::size_t kSize = 64;
  Region region;
  void* object = std::malloc(kSize);
  region.begin();
  const Nanoseconds begin = monotonic_now();
  for (std::uint64_t i = 0; i < kPairs; ++i) {
    std::free(object);
    object = std::malloc(kSize);
    write_object(object, kSize, Touch::kFirstByte);
  }
  const Nanoseconds length = monotonic_now() - begin;
  region.end();
  return static_cast<double>(length.value) / static_cast<double>(kPairs);
}

double slice_loop_ns(const std::string& workload) {
  const auto figures = run_cell(plan_of(workload, "throughput"));
  return wall_ns(figures) / static_cast<double>(figures.work.operations_count);
}

/// The loop's cost above the bare calls, both measured in turn so that they share the noise.
json loop_row(const std::string& workload) {
  const auto above =
      median_of_repetitions([&] { return slice_loop_ns(workload) - bare_calls_ns(); });
  return {{"name", "slice loop of " + workload + " above the bare calls"},
          {"value", above},
          {"unit", "ns an operation"},
          {"target", 1.0},
          {"how", "null allocator, median of 15 differences"}};
}

double sample_ns() {
  constexpr int kSamples = 1000;
  const MemorySampler sampler;
  const Nanoseconds begin = monotonic_now();
  for (int i = 0; i < kSamples; ++i) sampler.sample();
  return static_cast<double>((monotonic_now() - begin).value) / kSamples;
}

json timeline_row() {
  const auto figures = run_cell(plan_of("small_churn", "memory"));
  const double samples = static_cast<double>(figures.timeline->size());
  const double share = samples * median_of_repetitions(sample_ns) / wall_ns(figures) * 100.0;
  return {{"name", "timeline sampling of small_churn"},
          {"value", share},
          {"unit", "% of a run"},
          {"target", 0.2},
          {"how", "samples in the run x median cost of a sample / time of all slices"}};
}

json bracket_row() {
  return {{"name", "bracket around one call, p50"},
          {"value", bracket_floor_ns()},
          {"unit", "ns"},
          {"target", 25.0},
          {"how", "median of 1001 empty brackets"}};
}

json resident_row(const CellPlan& plan) {
  // Asked before anything else runs in this process, as a measured one would be.
  const auto run = make_cell_run(plan);
  return {{"name", "resident before the region, tables excluded"},
          {"value", static_cast<double>(run->rss_before().value) / (1024.0 * 1024.0)},
          {"unit", "MiB"},
          {"target", 6.0},
          {"how", "/proc/self/statm after set-up of small_churn, whose tables take 0.1 MiB"}};
}

bool on_null_allocator() {
  return dlsym(RTLD_DEFAULT, "heapwise_null_version") != nullptr;
}

}  // namespace

int print_self_cost() {
  json rows = json::array();
  if (on_null_allocator()) {
    for (const char* live : {"10K", "100K"}) {
      rows.push_back(loop_row(std::string("small_churn:operations=1M,live=") + live));
    }
  } else {
    rows = {resident_row(plan_of("small_churn", "throughput")), bracket_row(), timeline_row()};
  }
  std::puts(json{{"rows", rows}}.dump().c_str());
  return 0;
}

}  // namespace heapwise

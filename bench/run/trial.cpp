#include "bench/run/trial.h"

#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "bench/core/clock.h"
#include "workloads/parameters_json.h"
#include "workloads/workload.h"

namespace heapwise {
namespace {

/// A slice that was 2 ms in the trial may be a little less later: machines have moods.
constexpr Nanoseconds kLeastSlice{2'500'000};
constexpr std::uint64_t kTrialSlices = 12;
constexpr std::uint64_t kFewestSlices = 8;
constexpr std::uint64_t kEnoughSlices = 16;  // unless they would last longer than kLongRegion
constexpr double kLongRegionNs = 3e8;  // more pairs tell more than longer ones
constexpr std::uint64_t kMostSlices = 256;
constexpr Nanoseconds kTimeout{300'000'000'000};

/// An operation touches at least two lines of cache, its slot and its object: after as many
/// operations as that fills the cache with, nothing in it is older than the lead-in.
constexpr std::uint64_t kBytesTouched = 2 * 64;

std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
  return (value + by - 1) / by;
}

std::uint64_t last_level_cache_bytes() {
  const long bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
  return bytes > 0 ? static_cast<std::uint64_t>(bytes) : 32 * kMiB.value;
}

std::uint64_t lead_in_batches(const Group& group) {
  const auto parameters = parameters_from_json(group.workload, group.parameters);
  const auto& workload = *find_workload(group.workload);
  const auto operations =
      std::min(workload.operations_per_pass(parameters), last_level_cache_bytes() / kBytesTouched);
  return divide_up(operations, workload.operations_per_batch(parameters));
}

std::array<RunRequest, 2> requests_of(const Group& group, std::uint64_t seed) {
  std::array<RunRequest, 2> requests;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i] = {.run_id = "trial",
                   .seed = seed,
                   .cell = group.cell(group.allocators.at(i)),
                   .slicing = group.slicing,
                   .injection = group.injection_of(group.allocators.at(i)),
                   .timeout = kTimeout};
  }
  return requests;
}

/// What a turn of both sides takes, lead-ins and the drawing of random numbers included.
double turn_ns(const PairTrial& trial, const Slicing& slicing) {
  return static_cast<double>((trial.wall - trial.start).value) /
         static_cast<double>(slicing.slices_count);
}

Nanoseconds try_lockstep(Group& group, std::uint64_t seed, PairRunner& runner) {
  const auto lead_in = lead_in_batches(group);
  group.slicing =
      Slicing{.slices_count = kTrialSlices, .batches_per_slice = 1, .lead_in_batches = lead_in};
  const auto first = try_pair(group, seed, runner);
  group.slicing->slices_count = kFewestSlices;
  if (!first.ok) return {};
  const auto wanted = static_cast<double>(kLeastSlice.value) / std::max(1.0, first.slice_ns);
  group.slicing->batches_per_slice = std::max(lead_in, static_cast<std::uint64_t>(wanted) + 1);

  // The shorter of two: one that met a bad moment would leave the time half unused.
  const auto second = try_pair(group, seed, runner);
  const auto third = try_pair(group, seed, runner);
  if (!second.ok || !third.ok) return {};
  const auto& cost = second.wall < third.wall ? second : third;
  const auto turn = turn_ns(cost, *group.slicing);
  const auto start = static_cast<double>(cost.start.value);
  const auto fewest =
      std::clamp(static_cast<std::uint64_t>(kLongRegionNs / turn), kFewestSlices, kEnoughSlices);
  group.slicing->slices_count =
      std::clamp(static_cast<std::uint64_t>(start / turn), fewest, kMostSlices);
  return {
      static_cast<std::uint64_t>(start + turn * static_cast<double>(group.slicing->slices_count))};
}

Nanoseconds try_whole_runs(const Group& group, std::uint64_t seed, PairRunner& runner) {
  const auto begun = monotonic_now();
  for (const auto& request : requests_of(group, seed)) {
    if (runner.run(request).status != Status::kOk) return {};
  }
  return monotonic_now() - begun;
}

}  // namespace

PairTrial try_pair(const Group& group, std::uint64_t seed, PairRunner& runner) {
  const auto requests = requests_of(group, seed);
  const auto begun = monotonic_now();
  auto results = runner.run_pair(requests);
  PairTrial trial{.ok = true, .wall = monotonic_now() - begun};
  double slices_ns = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    trial.ok = trial.ok && results[i].status == Status::kOk;
    if (!trial.ok) return trial;
    auto slices = results[i].metrics.at("slice_ns").get<std::vector<double>>();
    slices_ns = std::accumulate(slices.begin(), slices.end(), slices_ns);
    std::ranges::nth_element(slices,
                             slices.begin() + static_cast<std::ptrdiff_t>(slices.size() / 2));
    trial.slice_ns = std::max(trial.slice_ns, slices[slices.size() / 2]);
    trial.start = std::max(trial.start, results[i].ready_after);
    if (group.allocators[i] == group.baseline) trial.baseline = std::move(results[i]);
  }
  const auto& slicing = group.slicing.value();
  const auto batches = static_cast<double>(slicing.batches_per_slice);
  const auto led_in = (batches + static_cast<double>(slicing.lead_in_batches)) / batches;
  trial.workload_share = slices_ns * led_in / static_cast<double>((trial.wall - trial.start).value);
  return trial;
}

Nanoseconds run_trial(Group& group, std::uint64_t seed, PairRunner& runner) {
  return group.slicing ? try_lockstep(group, seed, runner) : try_whole_runs(group, seed, runner);
}

}  // namespace heapwise

#include "bench/run/worker_runner.h"

#include <sched.h>

#include "bench/core/clock.h"
#include "bench/core/pass.h"
#include "bench/run/lockstep.h"

namespace heapwise {
namespace {

/// The launcher's counts, which only it has: calls of all threads between the region's markers.
void add_system_calls(const LaunchReport& report, RunResult& result) {
  if (report.region_seen == 0) {
    result.conclude(Status::kCountMismatch,
                    "the tracer did not meet both ends of the measured region");
    return;
  }
  result.metrics["brk_count"] = report.brk_count;
  result.metrics["mmap_count"] = report.mmap_count;
  result.metrics["munmap_count"] = report.munmap_count;
  result.metrics["madvise_count"] = report.madvise_count;
  result.metrics["mremap_count"] = report.mremap_count;
}

void take_figures(const Json& figures, RunResult& result) {
  const auto object = [&](const char* key) {
    const auto found = figures.find(key);
    return found != figures.end() && found->is_object() ? *found : Json::object();
  };
  result.work = object("work");
  result.metrics = object("metrics");
  result.histograms = object("histograms");
  result.timeline = object("timeline");
  result.statistics = object("statistics");
}

}  // namespace

int last_allowed_cpu() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) last = cpu;
  }
  return last;
}

std::string padding_entry(std::size_t bytes) {
  return "HEAPWISE_PADDING=" + std::string(bytes, 'x');
}

WorkerRunner::WorkerRunner(const Parts& parts, const Candidates& candidates, Interrupt& interrupt)
    : parts_(parts),
      candidates_(candidates),
      interrupt_(interrupt),
      single_cpu_(last_allowed_cpu()) {}

WorkerCall WorkerRunner::call_of(const RunRequest& request) const {
  const auto& candidate = candidates_.at(request.cell.allocator);
  const auto& pass = *find_pass(request.cell.pass);
  std::vector<std::string> before;
  if (pass.counts_heap_calls) before.push_back(parts_.counter);
  if (request.injection) before.push_back(parts_.injector);
  auto environment = child_environment(candidate.resolved, before);
  if (request.injection) {
    const auto dials = environment_of(*request.injection);
    environment.insert(environment.end(), dials.begin(), dials.end());
  }
  environment.push_back(padding_entry(request.padding_bytes));
  Json line{{"cell", to_json(request.cell)},
            {"seed", request.seed},
            {"expected_library", candidate.resolved.library_path},
            {"cpus", request.cell.threads == 1 ? Json::array({single_cpu_}) : Json::array()}};
  if (request.slicing) line["slicing"] = to_json(*request.slicing);
  return {.launcher = parts_.launcher,
          .worker = parts_.worker,
          .traces_system_calls = pass.traces_system_calls,
          .cgroup_procs = request.cgroup_procs,
          .environment = std::move(environment),
          .cell_line = std::move(line),
          .timeout = request.timeout};
}

RunResult WorkerRunner::result_of(const RunRequest& request, WorkerEnd end,
                                  bool out_of_memory) const {
  const bool traced = find_pass(request.cell.pass)->traces_system_calls;
  RunResult result;
  result.ready_after = end.ready_after;
  result.identity = merge_settings(end.identity, candidates_.at(request.cell.allocator).settings);
  judge_worker(end.child, end.answer, out_of_memory, request.timeout, result);
  if (end.answer.figures) take_figures(*end.answer.figures, result);
  if (result.status == Status::kOk && traced) add_system_calls(*end.child.report, result);
  if (const auto found = contradicted_setting(result.identity);
      found && result.status == Status::kOk) {
    result.conclude(Status::kSettingContradicted, *found);
  }
  return result;
}

RunResult WorkerRunner::run(const RunRequest& request) {
  const auto& candidate = candidates_.at(request.cell.allocator);
  if (candidate.excluded) return candidate.excluded_result();
  const OutOfMemoryWatch memory;
  const auto begun = monotonic_now();
  auto end = run_worker(call_of(request), interrupt_);
  const auto wall = monotonic_now() - begun;
  auto result = result_of(request, std::move(end), memory.struck());
  result.wall = wall;
  return result;
}

std::array<RunResult, 2> WorkerRunner::run_pair(const std::array<RunRequest, 2>& requests) {
  std::array<RunResult, 2> results;
  std::array<bool, 2> failed{};
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& candidate = candidates_.at(requests[i].cell.allocator);
    failed[i] = candidate.excluded.has_value();
    if (failed[i]) results[i] = candidate.excluded_result();
  }
  if (!failed[0] && !failed[1]) {
    const OutOfMemoryWatch memory;
    auto ends =
        run_in_lockstep({call_of(requests[0]), call_of(requests[1])},
                        requests[0].slicing.value().slices_count, requests[0].seed, interrupt_);
    for (std::size_t i = 0; i < results.size(); ++i) {
      failed[i] = ends[i].failed;
      results[i] = result_of(requests[i], std::move(ends[i].worker), memory.struck());
    }
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& partner = results[1 - i];
    if (failed[i] || !failed[1 - i] || results[i].status == Status::kInterrupted) continue;
    results[i].conclude(Status::kPartnerFailed, "the other process of the pair, under " +
                                                    requests[1 - i].cell.allocator + ", ended as " +
                                                    std::string(status_name(partner.status)));
  }
  return results;
}

}  // namespace heapwise

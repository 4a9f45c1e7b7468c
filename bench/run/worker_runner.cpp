#include "bench/run/worker_runner.h"

#include <sched.h>

#include "bench/core/clock.h"
#include "bench/core/pass.h"
#include "bench/run/worker_session.h"

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

RunResult WorkerRunner::run(const RunRequest& request) {
  const auto& candidate = candidates_.at(request.cell.allocator);
  if (candidate.excluded) return candidate.excluded_result();
  const auto& pass = *find_pass(request.cell.pass);

  std::vector<std::string> before;
  if (pass.counts_heap_calls) before.push_back(parts_.counter);
  auto environment = child_environment(candidate.resolved, before);
  environment.push_back(padding_entry(request.padding_bytes));
  const auto cpus = request.cell.threads == 1 ? Json::array({single_cpu_}) : Json::array();

  const OutOfMemoryWatch memory;
  const auto begun = monotonic_now();
  const auto end = run_worker({.launcher = parts_.launcher,
                               .worker = parts_.worker,
                               .traces_system_calls = pass.traces_system_calls,
                               .environment = std::move(environment),
                               .cell_line = {{"cell", to_json(request.cell)},
                                             {"seed", request.seed},
                                             {"expected_library", candidate.resolved.library_path},
                                             {"cpus", cpus},
                                             {"slices_scale", 1.0}},
                               .timeout = request.timeout},
                              interrupt_);
  RunResult result;
  result.wall = monotonic_now() - begun;
  result.identity = merge_settings(end.identity, candidate.settings);
  judge_worker(end.child, end.answer, memory.struck(), request.timeout, result);
  if (end.answer.figures) take_figures(*end.answer.figures, result);
  if (result.status == Status::kOk && pass.traces_system_calls) {
    add_system_calls(*end.child.report, result);
  }
  if (const auto found = contradicted_setting(result.identity);
      found && result.status == Status::kOk) {
    result.conclude(Status::kSettingContradicted, *found);
  }
  return result;
}

}  // namespace heapwise

#include "bench/program/run_figures.h"

#include <algorithm>

#include "bench/program/shell.h"

namespace heapwise {
namespace {

Json usage_of_all(const LaunchReport& report) {
  return {{"wall_ns", report.wall_ns},
          {"user_cpu_ns", report.user_cpu_ns},
          {"system_cpu_ns", report.system_cpu_ns},
          {"minor_faults_count", report.minor_faults_count},
          {"major_faults_count", report.major_faults_count},
          {"voluntary_switches_count", report.voluntary_switches_count},
          {"involuntary_switches_count", report.involuntary_switches_count}};
}

Json usage_of_phase(const Phase& phase) {
  return {{"wall_ns", phase.wall.value},
          {"user_cpu_ns", phase.usage.user_cpu.value},
          {"system_cpu_ns", phase.usage.system_cpu.value},
          {"minor_faults_count", phase.usage.minor_faults_count},
          {"major_faults_count", phase.usage.major_faults_count},
          {"voluntary_switches_count", phase.usage.voluntary_switches_count},
          {"involuntary_switches_count", phase.usage.involuntary_switches_count}};
}

void add_user_metrics(const RunContext& context, Json& metrics) {
  if (context.program.metrics.empty()) return;
  constexpr Bytes kSearched{16 * kMiB.value};
  const auto output = tail_of(context.files.output, kSearched);
  for (const auto& metric : context.program.metrics) {
    if (const auto value = find_metric(metric, output)) metrics["user_" + metric.name] = *value;
  }
}

Json metrics_of(const RunContext& context, const ProgramRun& run) {
  if (!context.share_folder.empty()) {
    return {{"tree_bytes", run.share->tree_bytes},
            {"malloc_bytes", run.share->malloc_bytes},
            {"live_bytes", run.share->live_bytes}};
  }
  const auto& report = *run.end.report;
  const bool serves = context.program.timing == Timing::kServe;
  auto metrics = serves ? usage_of_phase(*run.phase) : usage_of_all(report);
  metrics["rss_peak_bytes"] = report.peak_rss_bytes;
  // Between two looks a peak goes unseen; the kernel does not miss that of the largest process.
  metrics["tree_peak_bytes"] = std::max(run.tree_peak.value, report.peak_rss_bytes);
  // Of a run that was hardly seen the address space is anybody's guess.
  constexpr std::size_t kFewestLooks = 4;
  if (run.timeline.elapsed_ns.size() >= kFewestLooks)
    metrics["vsz_peak_bytes"] = run.vsz_peak.value;
  if (context.program.is_served()) metrics["ready_ns"] = run.ready_after.value;
  metrics["sampling_ns"] = run.sampling.value;
  add_user_metrics(context, metrics);
  return metrics;
}

Json timeline_of(const TreeTimeline& timeline) {
  return {{"elapsed_ns", timeline.elapsed_ns},
          {"tree_bytes", timeline.tree_bytes},
          {"vsz_bytes", timeline.vsz_bytes},
          {"processes_count", timeline.processes_count}};
}

}  // namespace

void add_figures(const RunContext& context, const ProgramRun& run, RunResult& result) {
  if (result.status != Status::kOk) return;
  result.timeline = timeline_of(run.timeline);
  if (!context.share_folder.empty() && !run.share) {
    result.status_detail = "the run was too short for a look, or its malloc is not glibc's";
    return;
  }
  result.metrics = metrics_of(context, run);
}

}  // namespace heapwise

#include "bench/run/limited_runner.h"

#include "bench/run/outcome.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

/// The passes that are about memory.
bool reports_pressure(const std::string& pass) {
  return pass == "memory" || pass == "command";
}

void add_pressure(const MemoryPressure& pressure, Json& metrics) {
  if (pressure.peak) metrics["cgroup_peak_bytes"] = pressure.peak->value;
  if (pressure.limit_hits_count) metrics["cgroup_limit_hits_count"] = *pressure.limit_hits_count;
}

}  // namespace

RunResult LimitedRunner::run(const RunRequest& request) {
  if (!plan_.groups.at(request.group).obeys_memory_limit()) return inner_.run(request);
  const auto group = limit_.make_group();
  auto limited = request;
  limited.cgroup_procs = group.procs_file();
  auto result = inner_.run(limited);
  const auto pressure = group.pressure();
  judge_pressure(pressure, limit_.bytes(), result);
  if (reports_pressure(request.cell.pass)) add_pressure(pressure, result.metrics);
  return result;
}

std::array<RunResult, 2> LimitedRunner::run_pair(const std::array<RunRequest, 2>&) {
  throw RunError("pairs in lockstep run without a memory limit; leave out --memory-limit");
}

}  // namespace heapwise

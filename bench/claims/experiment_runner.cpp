#include "bench/claims/experiment_runner.h"

#include <sys/wait.h>

#include "bench/run/child.h"
#include "bench/run/memory_limit.h"

namespace heapwise {
namespace {

/// None is meant to take more than a few seconds.
constexpr Nanoseconds kTimeout{30'000'000'000};

ChildRequest to_child(const ExperimentRequest& request, const Parts& parts,
                      std::vector<std::string> environment) {
  ChildRequest child{.launcher = parts.launcher, .command = {parts.experiment, request.name}};
  child.command.insert(child.command.end(), request.arguments.begin(), request.arguments.end());
  environment.insert(environment.end(), request.environment.begin(), request.environment.end());
  child.environment = std::move(environment);
  if (request.counts_system_calls) child.launch_options.emplace_back("--trace-system-calls");
  return child;
}

Evidence to_evidence(const ChildEnd& end) {
  auto evidence = Evidence::parse(end.output);
  evidence.errors = end.errors;
  evidence.timed_out = end.stopped == Stop::kTimedOut;
  evidence.launch = end.report;
  if (end.report) {
    const int status = end.report->wait_status;
    if (WIFEXITED(status)) evidence.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) evidence.signal = WTERMSIG(status);
  }
  return evidence;
}

}  // namespace

std::unique_ptr<Child> ExperimentRunner::start(const ExperimentRequest& request) {
  return std::make_unique<Child>(
      to_child(request, parts_, child_environment(allocator_, {}, keep_)));
}

Evidence ExperimentRunner::finish(Child& started, Nanoseconds timeout) {
  return to_evidence(started.finish(deadline_after(timeout), interrupt_));
}

Evidence ExperimentRunner::run(const ExperimentRequest& request) {
  auto child = to_child(request, parts_, child_environment(allocator_, {}, keep_));
  const auto finish = [&] {
    return to_evidence(Child(child).finish(deadline_after(kTimeout), interrupt_));
  };
  if (!request.memory_limit) return finish();
  MemoryLimit limit(*request.memory_limit);
  const auto group = limit.make_group();
  child.launch_options.insert(child.launch_options.end(), {"--cgroup-procs", group.procs_file()});
  auto evidence = finish();
  evidence.kills_count = group.pressure().kills_count;
  return evidence;
}

}  // namespace heapwise

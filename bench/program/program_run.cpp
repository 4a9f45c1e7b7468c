#include "bench/program/program_run.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "bench/core/clock.h"
#include "bench/program/listening.h"
#include "bench/program/shell.h"

namespace heapwise {
namespace {

/// What the kernel and the launcher take at most, on a loaded machine, to end a crashed server.
constexpr Nanoseconds kCrashSettles{1'000'000'000};

constexpr Nanoseconds kBetweenProbes{5'000'000};
constexpr Nanoseconds kProbeTimeout{10'000'000'000};
constexpr Nanoseconds kDigestTimeout{300'000'000'000};
constexpr Bytes kErrorsShown{64 * kKiB.value};

std::vector<std::string> argv_of(const ProgramDescription& program) {
  if (!program.is_served()) return program.argv;
  return {"/bin/sh", "-c", program.serve};
}

ChildRequest program_request(const RunContext& context) {
  const auto& program = context.program;
  const auto& files = context.files;
  const bool served = program.is_served();
  ChildRequest request{
      .launcher = context.launcher,
      .launch_options = {"--stdin", program.input.empty() ? "/dev/null" : program.input, "--stdout",
                         served ? files.server_output : files.output, "--stderr",
                         served ? files.server_errors : files.errors},
      .command = argv_of(program),
      .environment = context.environment};
  if (!context.directory.empty()) {
    request.launch_options.insert(request.launch_options.end(), {"--directory", context.directory});
  }
  if (!context.cgroup_procs.empty()) {
    request.launch_options.insert(request.launch_options.end(),
                                  {"--cgroup-procs", context.cgroup_procs});
  }
  // A server may leave its first process behind as a daemon; it lasts until it is asked to end.
  if (served) request.launch_options.emplace_back("--whole-tree");
  return request;
}

ShellCommand helper(const RunContext& context, const std::string& text) {
  return {.text = text,
          .environment = context.helper_environment,
          .directory = context.directory,
          .input_file = {},
          .output_file = {},
          .errors_file = {}};
}

}  // namespace

ChildEnd run_helper(const RunContext& context, const std::string& text, Nanoseconds timeout) {
  Child child(child_request(helper(context, text), context.launcher));
  return child.finish(deadline_after(timeout), context.interrupt);
}

namespace {

/// The program while it runs, and who looks at it.
class RunningProgram {
 public:
  explicit RunningProgram(const RunContext& context)
      : context_(context),
        child_(program_request(context)),
        watch_({child_.launcher_pid(), executable_of(child_.launcher_pid())}, context.limits,
               share_reader()) {
    child_.set_watcher(&watch_);
  }

  Child& child() { return child_; }
  TreeWatch& watch() { return watch_; }
  TreeUsage usage() { return read_tree_usage(child_.launcher_pid(), watch_.members()); }

  /// Moves what was seen into the run.
  void report(ProgramRun& run) {
    run.share = share_;
    run.alarm = watch_.alarm();
    run.available_at_alarm = watch_.available_at_alarm();
    run.timeline = watch_.timeline();
    run.largest = watch_.largest();
    run.executables.assign(watch_.executables().begin(), watch_.executables().end());
    run.tree_peak = watch_.tree_peak();
    run.vsz_peak = watch_.vsz_peak();
    run.sampling = watch_.spent();
  }

 private:
  std::function<void(const TreeWatch::Members&)> share_reader() {
    if (context_.share_folder.empty()) return {};
    return [this](const TreeWatch::Members& members) {
      const auto now = read_malloc_share(members, context_.share_folder);
      if (now && (!share_ || now->tree_bytes > share_->tree_bytes)) share_ = now;
    };
  }

  const RunContext& context_;
  std::optional<MallocShare> share_;
  Child child_;
  TreeWatch watch_;
};

/// While the client is waited for the server is looked at, and a server that has ended ends it too.
class DriveWatch : public Watcher {
 public:
  explicit DriveWatch(RunningProgram& server) : server_(server) {}
  Nanoseconds due() const override { return server_.watch().due(); }
  bool look() override { return server_.watch().look() && !server_.child().has_ended(); }

 private:
  RunningProgram& server_;
};

/// One try; `why` says what was missing.
bool is_ready(const RunContext& context, RunningProgram& server, std::string& why) {
  if (context.program.ready.empty()) {
    why = "it did not listen on a TCP port or a Unix socket; say with --ready how to tell";
    return any_listens(server.watch().members());
  }
  const auto end = run_helper(context, context.program.ready, kProbeTimeout);
  why = "the probe '" + context.program.ready + "' failed: " + ending_words(end);
  return succeeded(end);
}

/// False when the server ended, was given up, or Ctrl-C came.
bool wait_until_ready(const RunContext& context, RunningProgram& server, ProgramRun& run) {
  const auto begun = monotonic_now();
  const auto deadline = begun + context.ready_timeout;
  while (!context.interrupt.requested() && !server.child().has_ended()) {
    if (is_ready(context, server, run.never_ready_because)) {
      run.ready_after = monotonic_now() - begun;
      // A stranger at the same address answers a probe as well, while ours is about to give up.
      server.child().wait_briefly(kBetweenProbes, context.interrupt);
      return !server.child().has_ended();
    }
    if (monotonic_now() > deadline) return false;
    server.child().wait_briefly(kBetweenProbes, context.interrupt);
    if (monotonic_now() >= server.watch().due() && !server.watch().look()) return false;
  }
  return false;
}

bool did_its_work(const RunContext& context, const ChildEnd& client) {
  if (!client.report || client.report->exec_errno != 0) return false;
  const int status = client.report->wait_status;
  return WIFEXITED(status) && WEXITSTATUS(status) == context.program.expected_exit_code;
}

void drive(const RunContext& context, RunningProgram& server, ProgramRun& run) {
  auto command = helper(context, context.program.drive);
  command.output_file = context.files.output;
  command.errors_file = context.files.errors;
  server.watch().look();
  const auto before = server.usage();
  DriveWatch watch(server);
  Child client(child_request(command, context.launcher));
  client.set_watcher(&watch);
  run.client = client.finish(deadline_after(context.timeout), context.interrupt);
  run.client->errors = tail_of(context.files.errors, kErrorsShown);
  if (!did_its_work(context, *run.client)) {
    // A client learns of its server's crash before the launcher has collected it.
    server.child().wait_briefly(kCrashSettles, context.interrupt);
  }
  run.ended_unasked = server.child().has_ended();
  if (run.ended_unasked) return;
  const auto wall = run.client->report ? run.client->report->wall_ns : 0;
  run.phase = {.wall = {wall}, .usage = usage_between(before, server.usage())};
  server.watch().look();
  run.reached = Reached::kDriven;
}

void stop_server(const RunContext& context, RunningProgram& server, ProgramRun& run) {
  auto& child = server.child();
  child.set_watcher(nullptr);
  if (context.program.stop.empty()) {
    child.ask_to_end();
  } else {
    run.stop_command = run_helper(context, context.program.stop, context.stop_timeout);
  }
  run.end = child.finish(deadline_after(context.stop_timeout), context.interrupt);
  run.had_to_be_killed = run.end.stopped == Stop::kTimedOut;
}

}  // namespace

ProgramRun run_command(const RunContext& context) {
  ProgramRun run;
  RunningProgram program(context);
  run.end = program.child().finish(deadline_after(context.timeout), context.interrupt);
  run.end.errors += tail_of(context.files.errors, kErrorsShown);
  program.report(run);
  if (!context.program.digest.empty() && run.end.stopped == Stop::kNone) {
    run.digest = run_helper(context, context.program.digest, kDigestTimeout);
  }
  return run;
}

ProgramRun run_served(const RunContext& context) {
  ProgramRun run;
  RunningProgram server(context);
  if (wait_until_ready(context, server, run)) {
    run.reached = Reached::kReady;
    drive(context, server, run);
    if (run.reached == Reached::kDriven && !context.program.digest.empty()) {
      run.digest = run_helper(context, context.program.digest, kDigestTimeout);
    }
  } else {
    run.ended_unasked = server.child().has_ended();
  }
  server.report(run);
  stop_server(context, server, run);
  run.end.errors += tail_of(context.files.server_errors, kErrorsShown);
  return run;
}

}  // namespace heapwise

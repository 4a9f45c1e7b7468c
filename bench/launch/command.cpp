#include "bench/launch/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/launch/clock.h"
#include "bench/launch/supervisor.h"
#include "bench/launch/system_call_tracer.h"

namespace heapwise {
namespace {

constexpr int kExecFailedExitCode = 127;
constexpr mode_t kCreatedFileMode = 0666;  // less the umask
constexpr int kFirstFreeDescriptor = 3;
constexpr char kKilledFirst[] = "1000";  // the most that oom_score_adj takes
constexpr char kWriterItself[] = "0";    // of cgroup.procs: the process that writes
constexpr int kOutputFlags = O_WRONLY | O_CREAT | O_TRUNC;

// What the child was at when it told the launcher about it through the start pipe.
enum class Step : std::int32_t {
  kStarting,
  kStdin,
  kStdout,
  kStderr,
  kDirectory,
  kCgroup,
  kAddressSpace,
  kFilter,
  kExec
};

// Written by the child: one just before exec, with the time; one more if a step failed.
struct StartMessage {
  std::uint64_t monotonic_ns;
  Step step;
  std::int32_t error;  // an errno
};

// Both ends close at exec. Kept above the standard descriptors, which the child may replace.
struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

int above_standard_descriptors(int descriptor) {
  if (descriptor >= kFirstFreeDescriptor) return descriptor;
  const int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstFreeDescriptor);
  close(descriptor);
  return moved;
}

bool open_pipe(Pipe& pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  pipe = {above_standard_descriptors(ends[0]), above_standard_descriptors(ends[1])};
  return pipe.read_end >= 0 && pipe.write_end >= 0;
}

[[noreturn]] void fail(const Pipe& start, Step step, int error) {
  const StartMessage message{0, step, error};
  const ssize_t written = write(start.write_end, &message, sizeof message);
  _exit(written == sizeof message ? kExecFailedExitCode : kExecFailedExitCode - 1);
}

void redirect(const Pipe& start, Step step, const char* path, int flags, int target) {
  if (path == nullptr) return;
  const int file = open(path, flags | O_CLOEXEC | O_NOCTTY, kCreatedFileMode);
  if (file < 0) fail(start, step, errno);
  if (file == target) {
    fcntl(file, F_SETFD, 0);
  } else if (dup2(file, target) < 0) {
    fail(start, step, errno);
  } else {
    close(file);
  }
}

void redirect_standard_streams(const Pipe& start, const Arguments& arguments) {
  redirect(start, Step::kStdin, arguments.stdin_path, O_RDONLY, STDIN_FILENO);
  redirect(start, Step::kStdout, arguments.stdout_path, kOutputFlags, STDOUT_FILENO);
  redirect(start, Step::kStderr, arguments.stderr_path, kOutputFlags, STDERR_FILENO);
}

// When memory runs out the kernel is to end the command and not the machine's other work. Where it
// cannot be asked to, the command runs all the same.
void volunteer_for_out_of_memory() {
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = write(file, kKilledFirst, sizeof kKilledFirst - 1);
  close(file);
}

// Not the launcher, only what becomes the command: all that it does is charged there.
void enter_cgroup(const Pipe& start, const Arguments& arguments) {
  if (arguments.cgroup_procs == nullptr) return;
  const int file = open(arguments.cgroup_procs, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, kWriterItself, sizeof kWriterItself - 1) < 0) {
    fail(start, Step::kCgroup, errno);
  }
  close(file);
}

void limit_address_space(const Pipe& start, const Arguments& arguments) {
  if (!arguments.limits_address_space) return;
  const rlimit limit{arguments.address_space_bytes, arguments.address_space_bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) fail(start, Step::kAddressSpace, errno);
}

// The tracer must have attached before the filter is installed. Ends when the launcher is gone.
void wait_for_tracer(const Pipe& go) {
  char byte = 0;
  close(go.write_end);
  while (read(go.read_end, &byte, 1) < 0 && errno == EINTR) {
  }
}

struct Start {
  Pipe messages;  // child to launcher
  Pipe go;        // launcher to child, when tracing
  pid_t launcher;
};

// The child's way from fork to exec.
[[noreturn]] void become_command(const Arguments& arguments, const Start& start,
                                 const sigset_t& inherited_signals) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != start.launcher) _exit(kExecFailedExitCode);  // died before the line above
  setsid();  // no controlling terminal: nothing stops it, and nobody types into it
  volunteer_for_out_of_memory();
  redirect_standard_streams(start.messages, arguments);
  if (arguments.directory != nullptr && chdir(arguments.directory) != 0) {
    fail(start.messages, Step::kDirectory, errno);
  }
  enter_cgroup(start.messages, arguments);
  if (arguments.trace_system_calls) {
    wait_for_tracer(start.go);
    const int error = install_system_call_filter();
    if (error != 0) fail(start.messages, Step::kFilter, error);
  }
  sigprocmask(SIG_SETMASK, &inherited_signals, nullptr);
  limit_address_space(start.messages, arguments);
  const StartMessage now{nanoseconds_of(CLOCK_MONOTONIC), Step::kStarting, 0};
  if (write(start.messages.write_end, &now, sizeof now) != sizeof now) {
    _exit(kExecFailedExitCode);
  }
  execvp(arguments.command[0], arguments.command);
  fail(start.messages, Step::kExec, errno);
}

// Attaches and lets the child go on; where that fails the child is ended. 0 or an errno.
int begin_trace(pid_t command, const Pipe& go, SystemCallTracer& tracer) {
  const int error = tracer.attach(command);
  if (error != 0) {
    kill(command, SIGKILL);
    while (waitpid(command, nullptr, 0) < 0 && errno == EINTR) {
    }
    fprintf(stderr,
            "heapwise-launch: cannot trace the command: %s; allow ptrace here or leave out "
            "--trace-system-calls\n",
            strerror(error));
    return error;
  }
  close(go.read_end);
  close(go.write_end);  // the child reads end of file
  return 0;
}

void explain(const Arguments& arguments, const StartMessage& message) {
  const char* what[] = {"start",
                        "open --stdin",
                        "open --stdout",
                        "open --stderr",
                        "enter",
                        "enter the cgroup of",
                        "limit to --address-space",
                        "install a seccomp filter for",
                        "execute"};
  const char* which[] = {arguments.command[0],  arguments.stdin_path, arguments.stdout_path,
                         arguments.stderr_path, arguments.directory,  arguments.cgroup_procs,
                         arguments.command[0],  arguments.command[0], arguments.command[0]};
  const auto step = static_cast<std::size_t>(message.step);
  fprintf(stderr, "heapwise-launch: cannot %s %s: %s\n", what[step], which[step],
          strerror(message.error));
}

// The child has ended, so whatever it wrote is in the pipe already.
void read_start_messages(const Arguments& arguments, int pipe, std::uint64_t ended_ns,
                         LaunchReport& report) {
  StartMessage message{};
  while (read(pipe, &message, sizeof message) == sizeof message) {
    if (message.step == Step::kStarting) {
      report.wall_ns = ended_ns - message.monotonic_ns;
    } else {
      report.exec_errno = message.error;
      explain(arguments, message);
    }
  }
}

void fill_end(const TreeEnd& end, LaunchReport& report) {
  const rusage& usage = end.usage;
  report.wait_status = end.wait_status;
  report.tree_status = end.tree_status;
  report.leftover_processes_count = end.leftover_processes_count;
  report.surviving_processes_count = end.surviving_processes_count;
  report.user_cpu_ns = nanoseconds_of(usage.ru_utime);
  report.system_cpu_ns = nanoseconds_of(usage.ru_stime);
  report.peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;
  report.minor_faults_count = static_cast<std::uint64_t>(usage.ru_minflt);
  report.major_faults_count = static_cast<std::uint64_t>(usage.ru_majflt);
  report.voluntary_switches_count = static_cast<std::uint64_t>(usage.ru_nvcsw);
  report.involuntary_switches_count = static_cast<std::uint64_t>(usage.ru_nivcsw);
}

void fill_counts(const SystemCallTracer& tracer, LaunchReport& report) {
  report.region_seen = tracer.region_seen() ? 1 : 0;
  report.brk_count = tracer.count(kBrk);
  report.mmap_count = tracer.count(kMmap);
  report.munmap_count = tracer.count(kMunmap);
  report.madvise_count = tracer.count(kMadvise);
  report.mremap_count = tracer.count(kMremap);
}

LaunchReport not_started(int error) {
  fprintf(stderr, "heapwise-launch: cannot start a process: %s\n", strerror(error));
  LaunchReport report{};
  report.exec_errno = error;
  return report;
}

}  // namespace

LaunchReport run_command(const Arguments& arguments, const sigset_t& inherited_signals) {
  Start start{};
  start.launcher = getpid();
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (!open_pipe(start.messages)) return not_started(errno);
  if (arguments.trace_system_calls && !open_pipe(start.go)) return not_started(errno);

  LaunchReport report{};
  report.started_unix_ns = nanoseconds_of(CLOCK_REALTIME);
  const pid_t command = fork();
  if (command < 0) return not_started(errno);
  if (command == 0) become_command(arguments, start, inherited_signals);
  close(start.messages.write_end);
  report.command_pid = command;

  SystemCallTracer tracer;
  if (arguments.trace_system_calls) {
    report.exec_errno = begin_trace(command, start.go, tracer);
    if (report.exec_errno != 0) return report;
  }
  Supervisor supervisor({.command = command,
                         .waits_for_whole_tree = arguments.whole_tree,
                         .tracer = arguments.trace_system_calls ? &tracer : nullptr});
  const TreeEnd end = supervisor.supervise();
  read_start_messages(arguments, start.messages.read_end, end.ended_ns, report);
  if (report.exec_errno != 0) return report;
  fill_end(end, report);
  fill_counts(tracer, report);
  return report;
}

}  // namespace heapwise

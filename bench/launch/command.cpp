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

#include <initializer_list>

#include "bench/launch/system_call_tracer.h"

namespace heapwise {
namespace {

constexpr int kExecFailedExitCode = 127;
constexpr mode_t kCreatedFileMode = 0666;  // less the umask
constexpr int kFirstFreeDescriptor = 3;
constexpr int kOutputFlags = O_WRONLY | O_CREAT | O_TRUNC;

// What the child was at when it told the launcher about it through the start pipe.
enum class Step : std::int32_t {
  kStarting,
  kStdin,
  kStdout,
  kStderr,
  kDirectory,
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

// The process group that SIGTERM kills; 0: none.
volatile sig_atomic_t command_group = 0;

void kill_command_group(int) {
  const int saved_errno = errno;
  if (command_group != 0) kill(-command_group, SIGKILL);
  errno = saved_errno;
}

std::uint64_t nanoseconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t nanoseconds_of(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_usec) * 1'000U;
}

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
  const int file = open(path, flags | O_CLOEXEC, kCreatedFileMode);
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
  setpgid(0, 0);
  redirect_standard_streams(start.messages, arguments);
  if (arguments.directory != nullptr && chdir(arguments.directory) != 0) {
    fail(start.messages, Step::kDirectory, errno);
  }
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

// From here on the launcher outlives the terminal's signals, and SIGTERM has a group to kill.
void take_charge(pid_t command, const sigset_t& inherited_signals) {
  setpgid(command, command);  // the child does it too: whoever is first
  command_group = command;
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  for (const int signal : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) sigaction(signal, &action, nullptr);
  action.sa_handler = kill_command_group;
  sigaction(SIGTERM, &action, nullptr);
  sigset_t mask = inherited_signals;
  sigdelset(&mask, SIGTERM);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
}

int wait_for(pid_t command, int& wait_status, rusage& usage) {
  while (wait4(command, &wait_status, 0, &usage) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// Attaches, lets the child go on, and serves it to its end.
int trace(pid_t command, const Pipe& go, SystemCallTracer& tracer, int& wait_status,
          rusage& usage) {
  const int error = tracer.attach(command);
  if (error != 0) {
    kill(command, SIGKILL);
    wait_for(command, wait_status, usage);
    fprintf(stderr,
            "heapwise-launch: cannot trace the command: %s; allow ptrace here or leave out "
            "--trace-system-calls\n",
            strerror(error));
    return error;
  }
  close(go.read_end);
  close(go.write_end);  // the child reads end of file
  return tracer.wait(wait_status, usage);
}

void explain(const Arguments& arguments, const StartMessage& message) {
  const char* what[] = {"start",
                        "open --stdin",
                        "open --stdout",
                        "open --stderr",
                        "enter",
                        "limit to --address-space",
                        "install a seccomp filter for",
                        "execute"};
  const char* which[] = {arguments.command[0],  arguments.stdin_path, arguments.stdout_path,
                         arguments.stderr_path, arguments.directory,  arguments.command[0],
                         arguments.command[0],  arguments.command[0]};
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

void fill_usage(const rusage& usage, LaunchReport& report) {
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
  if (!open_pipe(start.messages)) return not_started(errno);
  if (arguments.trace_system_calls && !open_pipe(start.go)) return not_started(errno);

  LaunchReport report{};
  report.started_unix_ns = nanoseconds_of(CLOCK_REALTIME);
  const pid_t command = fork();
  if (command < 0) return not_started(errno);
  if (command == 0) become_command(arguments, start, inherited_signals);
  take_charge(command, inherited_signals);
  close(start.messages.write_end);

  int wait_status = 0;
  rusage usage{};
  SystemCallTracer tracer;
  const int error = arguments.trace_system_calls
                        ? trace(command, start.go, tracer, wait_status, usage)
                        : wait_for(command, wait_status, usage);
  const std::uint64_t ended_ns = nanoseconds_of(CLOCK_MONOTONIC);
  command_group = 0;

  report.exec_errno = error;
  report.command_pid = command;
  read_start_messages(arguments, start.messages.read_end, ended_ns, report);
  if (report.exec_errno != 0) return report;
  report.wait_status = wait_status;
  fill_usage(usage, report);
  fill_counts(tracer, report);
  return report;
}

}  // namespace heapwise

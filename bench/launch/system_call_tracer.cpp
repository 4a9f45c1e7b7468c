#include "bench/launch/system_call_tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/launch/launch_report.h"

namespace heapwise {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "system_call_tracer.cpp: name this architecture's AUDIT_ARCH_ constant"
#endif

// What the filter hands to the tracer with a stop: a TracedCall, or one of the markers.
constexpr std::uint32_t kBegins = kTracedCallsCount;
constexpr std::uint32_t kEnds = kTracedCallsCount + 1;

constexpr long kTraceOptions = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                               PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

constexpr sock_filter load(std::size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}
constexpr sock_filter skip_unless(std::uint32_t value, std::uint8_t instructions) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, instructions, value};
}
constexpr sock_filter answer(std::uint32_t action) {
  return {BPF_RET | BPF_K, 0, 0, action};
}
constexpr sock_filter stop(std::uint32_t data) {
  return answer(SECCOMP_RET_TRACE | data);
}

constexpr std::size_t kFirstArgument = offsetof(seccomp_data, args);  // its low half: little-endian

constexpr sock_filter kFilter[] = {
    load(offsetof(seccomp_data, arch)),
    skip_unless(kArchitecture, 17),  // to the last instruction
    load(offsetof(seccomp_data, nr)),
    skip_unless(__NR_brk, 1),
    stop(kBrk),
    skip_unless(__NR_mmap, 1),
    stop(kMmap),
    skip_unless(__NR_munmap, 1),
    stop(kMunmap),
    skip_unless(__NR_madvise, 1),
    stop(kMadvise),
    skip_unless(__NR_mremap, 1),
    stop(kMremap),
    skip_unless(__NR_prctl, 5),  // to the last instruction
    load(kFirstArgument),
    skip_unless(kRegionBeginsMarker, 1),
    stop(kBegins),
    skip_unless(kRegionEndsMarker, 1),
    stop(kEnds),
    answer(SECCOMP_RET_ALLOW),
};

// The process a thread belongs to, or 0 when it is gone.
pid_t process_of(pid_t thread) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/status", thread);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[1024];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  text[length] = '\0';
  const char* line = strstr(text, "\nTgid:");
  return line == nullptr ? 0 : atoi(line + strlen("\nTgid:"));
}

bool is_thread_of(pid_t process, pid_t thread) {
  return syscall(SYS_tgkill, process, thread, 0) == 0;
}

bool stops_a_group(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

// A thread that was killed while it stood still is gone: its end is reported by wait4.
void let_run(pid_t thread, int signal) {
  ptrace(PTRACE_CONT, thread, nullptr, static_cast<long>(signal));
}

}  // namespace

int install_system_call_filter() {
  sock_fprog program{static_cast<unsigned short>(sizeof kFilter / sizeof kFilter[0]),
                     const_cast<sock_filter*>(kFilter)};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return errno;
  return 0;
}

int SystemCallTracer::attach(pid_t command) {
  getrusage(RUSAGE_CHILDREN, &children_usage_);
  return ptrace(PTRACE_SEIZE, command, nullptr, kTraceOptions) == 0 ? 0 : errno;
}

pid_t SystemCallTracer::next_ended_child(int& wait_status, rusage& usage) {
  while (true) {
    const pid_t thread = wait4(-1, &wait_status, WNOHANG | __WALL, &usage);
    if (thread <= 0) return thread;
    if (WIFSTOPPED(wait_status)) {
      serve_stop(thread, wait_status);
    } else if (has_inherited_usage()) {
      return thread;
    }
  }
}

// A tracer hears of every end. Only that of a process which is its child as well, by birth or
// because the parent has ended, goes into its books: asking the kernel for them leaves no moment in
// which the parent could still change.
bool SystemCallTracer::has_inherited_usage() {
  rusage now{};
  getrusage(RUSAGE_CHILDREN, &now);
  const bool has_grown = memcmp(&now, &children_usage_, sizeof now) != 0;
  children_usage_ = now;
  return has_grown;
}

void SystemCallTracer::serve_stop(pid_t thread, int wait_status) {
  const int event = wait_status >> 16;
  const int signal = WSTOPSIG(wait_status);
  if (event == PTRACE_EVENT_SECCOMP) {
    serve_filtered_call(thread);
    let_run(thread, 0);
  } else if (event == PTRACE_EVENT_STOP && stops_a_group(signal)) {
    ptrace(PTRACE_LISTEN, thread, nullptr, nullptr);  // stays stopped until its SIGCONT
  } else if (event != 0) {
    let_run(thread, 0);  // a new thread or process, an exec
  } else {
    let_run(thread, signal);  // a signal on its way to the program
  }
}

void SystemCallTracer::serve_filtered_call(pid_t thread) {
  unsigned long data = 0;
  if (ptrace(PTRACE_GETEVENTMSG, thread, nullptr, &data) != 0) return;
  if (data == kBegins) {
    region_process_ = process_of(thread);
  } else if (region_process_ == 0 || !is_thread_of(region_process_, thread)) {
    return;
  } else if (data == kEnds) {
    region_process_ = 0;
    region_seen_ = true;
  } else if (data < kTracedCallsCount) {
    ++counts_[data];
  }
}

}  // namespace heapwise

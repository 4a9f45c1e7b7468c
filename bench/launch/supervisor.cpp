#include "bench/launch/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

#include "bench/launch/clock.h"
#include "bench/launch/process_tree.h"
#include "bench/launch/system_call_tracer.h"

namespace heapwise {
namespace {

constexpr int kNapPassed = 0;  // in the place of a signal

// While killing, /proc is looked through again after a nap, in case one that will not die hides
// that others came. Naps without an end of any process before the launcher gives up: 4 s.
constexpr timespec kNap{0, 20'000'000};
constexpr std::uint64_t kIdleNapsMost = 200;

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGUSR1}) sigaddset(&set, signal);
  return set;
}

void add_usage(const rusage& more, rusage& sum) {
  timeradd(&sum.ru_utime, &more.ru_utime, &sum.ru_utime);
  timeradd(&sum.ru_stime, &more.ru_stime, &sum.ru_stime);
  sum.ru_maxrss = std::max(sum.ru_maxrss, more.ru_maxrss);
  sum.ru_minflt += more.ru_minflt;
  sum.ru_majflt += more.ru_majflt;
  sum.ru_nvcsw += more.ru_nvcsw;
  sum.ru_nivcsw += more.ru_nivcsw;
}

// Nothing that follows from killing other processes, a broken pipe for one, looks like this.
bool is_crash(int wait_status) {
  if (!WIFSIGNALED(wait_status)) return false;
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS}) {
    if (WTERMSIG(wait_status) == signal) return true;
  }
  return false;
}

}  // namespace

sigset_t block_signals() {
  sigset_t held = awaited_signals();
  sigset_t inherited;
  for (const int signal : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) sigaddset(&held, signal);
  sigprocmask(SIG_BLOCK, &held, &inherited);
  // Ignored by whoever started the launcher, it would take the ends of all children along.
  signal(SIGCHLD, SIG_DFL);
  return inherited;
}

TreeEnd Supervisor::supervise() {
  while (true) {
    const int signal = next_signal();
    if (signal == kNapPassed) ++idle_naps_count_;
    reap_the_ended();  // first: an end that came before the signal is not the signal's doing
    if (!has_children_) break;
    if (signal == SIGUSR1 && !is_killing_) ask_to_end();
    if (command_ended_ && !request_.waits_for_whole_tree && !is_killing_) {
      end_.leftover_processes_count = count_living_descendants();
      is_killing_ = true;
    }
    if (signal == SIGTERM) is_killing_ = true;
    if (is_killing_ && (dying_count_ == 0 || signal == kNapPassed)) kill_children();
    if (is_stuck()) {
      end_.surviving_processes_count = std::max<std::uint64_t>(1, count_living_descendants());
      break;
    }
  }
  if (!any_end_noted_) end_.tree_status = end_.wait_status;
  return end_;
}

int Supervisor::next_signal() const {
  const sigset_t awaited = awaited_signals();
  while (true) {
    const int signal =
        is_killing_ ? sigtimedwait(&awaited, nullptr, &kNap) : sigwaitinfo(&awaited, nullptr);
    if (signal > 0) return signal;
    if (errno == EAGAIN) return kNapPassed;
  }
}

void Supervisor::reap_the_ended() {
  while (true) {
    int wait_status = 0;
    rusage usage{};
    const pid_t child = request_.tracer != nullptr
                            ? request_.tracer->next_ended_child(wait_status, usage)
                            : wait4(-1, &wait_status, WNOHANG | __WALL, &usage);
    if (child <= 0) {
      has_children_ = child == 0;
      return;
    }
    note_end(child, wait_status, usage);
  }
}

void Supervisor::note_end(pid_t child, int wait_status, const rusage& usage) {
  if (child == request_.command || request_.waits_for_whole_tree) {
    end_.ended_ns = nanoseconds_of(CLOCK_MONOTONIC);
  }
  if (child == request_.command) {
    command_ended_ = true;
    end_.wait_status = wait_status;
  }
  if (!is_killing_ || is_crash(wait_status)) note_tree_status(wait_status);
  add_usage(usage, end_.usage);
  idle_naps_count_ = 0;
  if (dying_count_ > 0) --dying_count_;
}

void Supervisor::note_tree_status(int wait_status) {
  if (!WIFSIGNALED(wait_status) && WIFSIGNALED(end_.tree_status)) return;
  end_.tree_status = wait_status;
  any_end_noted_ = true;
}

void Supervisor::ask_to_end() const {
  if (!signal_children(SIGTERM) && !command_ended_) kill(request_.command, SIGTERM);
}

// Each round reaches what the ends of the round before have brought up. Without /proc there is only
// the command, whose number is its own until it is reaped.
void Supervisor::kill_children() {
  const auto reached = kill_children_and_their_groups();
  dying_count_ = reached.value_or(0);
  if (reached || command_ended_) return;
  kill(-request_.command, SIGKILL);
  kill(request_.command, SIGKILL);
}

// A process that runs as another user, or is held by the kernel or a debugger. The command itself
// is waited for all the same: there is no report without its end.
bool Supervisor::is_stuck() const {
  return command_ended_ && idle_naps_count_ > kIdleNapsMost;
}

}  // namespace heapwise

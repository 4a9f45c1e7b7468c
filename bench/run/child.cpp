#include "bench/run/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "bench/core/clock.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr Bytes kOutputLimit{4 * kMiB.value};
constexpr Bytes kErrorsLimit{64 * kKiB.value};
/// How long a stopped launcher may take to kill its tree and report before it is killed itself: more
/// than the 4 s after which it gives up processes that will not die.
constexpr Nanoseconds kGracePeriod{5'000'000'000};

/// Memory that takes up to `limit` bytes of output and refuses the rest: a child that floods its
/// standard error neither blocks nor fills the machine.
FileDescriptor make_capture(const char* name, Bytes limit) {
  FileDescriptor memory(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.is_open() || ftruncate(memory.get(), static_cast<off_t>(limit.value)) != 0 ||
      fcntl(memory.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
    throw RunError(std::string("cannot set aside memory for a child's output: ") +
                   std::strerror(errno));
  }
  return memory;
}

/// What the child wrote: the offset is shared with it.
std::string read_capture(int memory) {
  if (memory < 0) return {};
  std::string text(static_cast<std::size_t>(lseek(memory, 0, SEEK_CUR)), '\0');
  const auto count = pread(memory, text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> launcher_arguments(const ChildRequest& request, int report_fd) {
  std::vector<std::string> arguments{request.launcher, "--report-fd", std::to_string(report_fd)};
  arguments.insert(arguments.end(), request.launch_options.begin(), request.launch_options.end());
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), request.command.begin(), request.command.end());
  return arguments;
}

/// Owns the C structures of posix_spawn: which descriptors go over, and a clean set of signals.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);  // Ctrl-C on the terminal is the parent's to answer
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  /// The same number on both sides takes O_CLOEXEC off (glibc 2.29 and newer).
  void hand(int from, int to) { posix_spawn_file_actions_adddup2(&actions, from, to); }

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

}  // namespace

namespace {

/// For poll(2), which counts in milliseconds: none too early.
int milliseconds_until(Deadline moment) {
  constexpr std::uint64_t kPerMillisecond = 1'000'000;
  constexpr std::uint64_t kLongestWait = 3'600'000;
  if (!moment) return -1;
  const auto now = monotonic_now();
  const auto left = *moment > now ? (*moment - now).value / kPerMillisecond + 1 : 0;
  return static_cast<int>(std::min(left, kLongestWait));
}

}  // namespace

Deadline deadline_after(Nanoseconds timeout) {
  if (timeout.value == 0) return std::nullopt;
  return monotonic_now() + timeout;
}

Child::Child(const ChildRequest& request) {
  // What heapwise itself was started with is not for its children either. Best effort: a kernel
  // older than 5.11 does not know the flag.
  constexpr unsigned kFirst = STDERR_FILENO + 1;
  close_range(kFirst, ~0U, CLOSE_RANGE_CLOEXEC);

  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
    throw RunError(std::string("cannot make a pipe for a child: ") + std::strerror(errno));
  }
  report_ = FileDescriptor(pipe_ends[0]);
  const FileDescriptor report_end(pipe_ends[1]);
  const FileDescriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));

  SpawnSettings settings;
  settings.hand(report_end.get(), report_end.get());
  if (request.handed_descriptor >= 0) {
    settings.hand(request.handed_descriptor, request.handed_descriptor);
  }
  settings.hand(nothing.get(), STDIN_FILENO);
  if (!request.shares_terminal) {
    output_ = make_capture("heapwise-output", kOutputLimit);
    errors_ = make_capture("heapwise-errors", kErrorsLimit);
    settings.hand(output_.get(), STDOUT_FILENO);
    settings.hand(errors_.get(), STDERR_FILENO);
  }
  const auto arguments = launcher_arguments(request, report_end.get());
  const int error =
      posix_spawn(&launcher_pid_, request.launcher.c_str(), &settings.actions, &settings.attributes,
                  pointers(arguments).data(), pointers(request.environment).data());
  if (error != 0) {
    launcher_pid_ = -1;
    throw RunError("cannot start '" + request.launcher + "': " + std::strerror(error) +
                   "; build or install heapwise again");
  }
}

Child::~Child() {
  if (launcher_pid_ < 0) return;
  kill(launcher_pid_, SIGTERM);
  reap();
}

bool Child::has_ended() const {
  pollfd report{report_.get(), POLLIN, 0};
  return poll(&report, 1, 0) > 0;
}

void Child::ask_to_end() {
  kill(launcher_pid_, SIGUSR1);
}

void Child::wait_briefly(Nanoseconds pause, Interrupt& interrupt) {
  std::array<pollfd, 2> waited{{{report_.get(), POLLIN, 0}, {interrupt.descriptor(), POLLIN, 0}}};
  poll(waited.data(), waited.size(), milliseconds_until(monotonic_now() + pause));
}

bool Child::wait_readable(int descriptor, Deadline deadline, Interrupt& interrupt) {
  while (stopped_ == Stop::kNone) {
    std::array<pollfd, 3> waited{
        {{descriptor, POLLIN, 0}, {report_.get(), POLLIN, 0}, {interrupt.descriptor(), POLLIN, 0}}};
    auto next = deadline;
    if (watcher_ != nullptr) next = std::min(watcher_->due(), deadline.value_or(watcher_->due()));
    const int ready = poll(waited.data(), waited.size(), milliseconds_until(next));
    if (interrupt.requested()) {
      stop(Stop::kInterrupted);
    } else if (ready > 0 && waited[0].revents != 0) {
      return true;
    } else if (ready > 0 && waited[1].revents != 0) {
      return false;
    } else if (deadline && monotonic_now() >= *deadline) {
      stop(Stop::kTimedOut);
    } else if (watcher_ != nullptr && monotonic_now() >= watcher_->due() && !watcher_->look()) {
      stop(Stop::kByWatcher);
    }
  }
  return false;
}

ChildEnd Child::finish(Deadline deadline, Interrupt& interrupt) {
  ChildEnd end;
  if (stopped_ == Stop::kNone) wait_readable(report_.get(), deadline, interrupt);
  LaunchReport report{};
  pollfd waited{report_.get(), POLLIN, 0};
  constexpr int kGraceMilliseconds = static_cast<int>(kGracePeriod.value / 1'000'000);
  if (poll(&waited, 1, kGraceMilliseconds) > 0 &&
      read(report_.get(), &report, sizeof report) == static_cast<ssize_t>(sizeof report) &&
      report.magic == kLaunchReportMagic) {
    end.report = report;
  }
  reap();
  end.stopped = stopped_;
  end.output = read_capture(output_.get());
  end.errors = read_capture(errors_.get());
  return end;
}

void Child::stop(Stop why) {
  stopped_ = why;
  kill(launcher_pid_, SIGTERM);
}

void Child::reap() {
  const auto deadline = monotonic_now() + kGracePeriod;
  while (waitpid(launcher_pid_, nullptr, WNOHANG) == 0) {
    if (monotonic_now() > deadline) kill(launcher_pid_, SIGKILL);
    constexpr useconds_t kPause = 200;
    usleep(kPause);
  }
  launcher_pid_ = -1;
}

}  // namespace heapwise

#include "bench/experiment/trial.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace heapwise {
namespace {

constexpr std::size_t kMostErrors = 4096;
constexpr std::int64_t kPerMillisecond = 1'000'000;
constexpr std::int64_t kPerSecond = 1'000'000'000;

std::int64_t now_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec * kPerSecond + now.tv_nsec) / kPerMillisecond;
}

/// What the fork wrote to standard error, as far as there is room.
struct Errors {
  char text[kMostErrors] = {};
  std::size_t length = 0;

  /// False at the end of what is written.
  bool read_from(int pipe) {
    char dropped[512];
    const std::size_t room = sizeof text - 1 - length;
    const ssize_t count =
        read(pipe, room > 0 ? text + length : dropped, room > 0 ? room : sizeof dropped);
    if (count < 0) return errno == EINTR || errno == EAGAIN;
    if (room > 0) length += static_cast<std::size_t>(count);
    return count > 0;
  }
};

[[noreturn]] void run_fork(void (*act)(void*), void* context, int errors_pipe) {
  dup2(errors_pipe, STDERR_FILENO);
  prctl(PR_SET_DUMPABLE, 0);  // no core file stays behind, and no crash handler is called
  act(context);
  _exit(EXIT_SUCCESS);
}

/// Collects what it writes until it closes its standard error, which it does by ending.
void watch(int pipe, std::int64_t deadline, Errors& errors) {
  for (;;) {
    const std::int64_t left = deadline - now_milliseconds();
    if (left <= 0) return;
    pollfd waited{pipe, POLLIN, 0};
    if (poll(&waited, 1, static_cast<int>(left)) > 0 && !errors.read_from(pipe)) return;
  }
}

void reap(pid_t child, std::int64_t deadline, TrialEnd& end) {
  constexpr useconds_t kPauseMicroseconds = 500;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (!end.timed_out && now_milliseconds() >= deadline) {
      end.timed_out = true;
      kill(child, SIGKILL);
    }
    usleep(kPauseMicroseconds);
  }
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status) && !end.timed_out) end.signal = WTERMSIG(status);
}

/// Addresses differ from run to run.
void copy_without_chance(const char* from, const char* until, char* to, std::size_t capacity) {
  const char* const begin = to;
  const char* const last = to + capacity - sizeof "0x…";
  while (from < until && to < last) {
    if (from[0] == '0' && from[1] == 'x') {
      from += 2;
      while (from < until && isxdigit(static_cast<unsigned char>(*from))) ++from;
      to = stpcpy(to, "0x…");
    } else {
      *to++ = *from++;
    }
  }
  while (to > begin && isspace(static_cast<unsigned char>(to[-1]))) --to;
  *to = '\0';
}

bool has_words(const char* begin, const char* end) {
  for (; begin < end; ++begin) {
    if (isalpha(static_cast<unsigned char>(*begin))) return true;
  }
  return false;
}

/// The first line with a word in it: what an allocator says before it adds a stack.
void find_message(const Errors& errors, TrialEnd& end) {
  const char* line = errors.text;
  while (*line != '\0') {
    const char* const line_end = strchrnul(line, '\n');
    if (has_words(line, line_end)) {
      copy_without_chance(line, line_end, end.message, sizeof end.message);
      return;
    }
    line = *line_end == '\0' ? line_end : line_end + 1;
  }
}

void read_byte(void* address) {
  static_cast<void>(*static_cast<volatile char*>(address));
}

void write_byte(void* address) {
  *static_cast<volatile char*>(address) = 1;
}

}  // namespace

TrialEnd try_in_fork_of(void (*act)(void*), void* context, int milliseconds) {
  TrialEnd end;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {.timed_out = true};
  const std::int64_t deadline = now_milliseconds() + milliseconds;
  const pid_t child = fork();
  if (child == 0) run_fork(act, context, ends[1]);
  close(ends[1]);
  Errors errors;
  if (child > 0) {
    watch(ends[0], deadline, errors);
    reap(child, deadline, end);
  } else {
    end.timed_out = true;
  }
  close(ends[0]);
  find_message(errors, end);
  return end;
}

void word_of_end(const TrialEnd& end, const char* if_well, char* word, std::size_t capacity) {
  if (end.timed_out) {
    snprintf(word, capacity, "hang");
  } else if (end.signal == SIGABRT) {
    snprintf(word, capacity, "abort");
  } else if (end.signal != 0) {
    const char* const name = sigabbrev_np(end.signal);
    snprintf(word, capacity, "SIG%s", name != nullptr ? name : "?");
  } else if (end.exit_code != 0) {
    snprintf(word, capacity, "exit %d", end.exit_code);
  } else {
    snprintf(word, capacity, "%s", if_well);
  }
}

void tell_end(Report& report, const char* name, const TrialEnd& end, const char* if_well) {
  char text[128];
  word_of_end(end, if_well, text, sizeof text);
  report.text(name, text);
  if (end.message[0] == '\0') return;
  snprintf(text, sizeof text, "%s_message", name);
  report.text(text, end.message);
}

int signal_of_attempt(Report& report, void (*attempt)(void*), void* argument) {
  const TrialEnd end = try_in_fork_of(attempt, argument, kTrialMilliseconds);
  if (end.timed_out) report.refuse("an attempt in a fork", "it did not come to its end");
  return end.signal;
}

int signal_of_read(Report& report, const void* address) {
  return signal_of_attempt(report, read_byte, const_cast<void*>(address));
}

int signal_of_write(Report& report, const void* address) {
  return signal_of_attempt(report, write_byte, const_cast<void*>(address));
}

void* shared_memory(Report& report, std::size_t size_bytes) {
  void* const memory =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap for the experiment's own records");
  return memory;
}

}  // namespace heapwise

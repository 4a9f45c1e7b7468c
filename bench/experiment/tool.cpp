#include "bench/experiment/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace heapwise {
namespace {

constexpr int kCannotStart = 127;  // as the shell has it
constexpr int kLongestVariable = 4096;

/// NAME=VALUE of this process's own environment, in the caller's storage.
struct Variable {
  explicit Variable(const char* name) {
    const char* const value = getenv(name);
    is_set =
        value != nullptr && snprintf(text, sizeof text, "%s=%s", name, value) < kLongestVariable;
  }
  char text[kLongestVariable];
  bool is_set = false;
};

/// In the child, which still runs in the parent's memory: system calls only, then exec. `error`
/// tells the parent why exec failed.
[[noreturn]] void become_tool(const Tool& tool, int output_fd, char* const* environment,
                              volatile int& error) {
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  dup2(output_fd, STDOUT_FILENO);
  dup2(tool.keeps_errors ? output_fd : nothing, STDERR_FILENO);
  execvpe(tool.arguments[0], const_cast<char* const*>(tool.arguments), environment);
  error = errno;
  _exit(kCannotStart);
}

/// Reads to the end of what the tool prints, so that it never waits for a reader or gets SIGPIPE.
void collect(int fd, char* output, std::size_t capacity, ToolEnd& end) {
  char dropped[512];
  for (;;) {
    const std::size_t room = capacity - 1 - end.output_bytes;
    char* const to = room > 0 ? output + end.output_bytes : dropped;
    const ssize_t count = read(fd, to, room > 0 ? room : sizeof dropped);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    if (room > 0) {
      end.output_bytes += static_cast<std::size_t>(count);
    } else {
      end.is_whole = false;
    }
  }
  output[end.output_bytes] = '\0';
}

void wait_for(pid_t child, ToolEnd& end) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
}

}  // namespace

ToolEnd run_tool(const Tool& tool, char* output, std::size_t capacity) {
  output[0] = '\0';
  Variable path("PATH");
  Variable home("HOME");
  char locale[] = "LC_ALL=C";
  char* environment[] = {locale, nullptr, nullptr, nullptr};
  int count = 1;
  if (path.is_set) environment[count++] = path.text;
  if (home.is_set) environment[count++] = home.text;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {.start_error = errno};
  volatile int error = 0;
  const pid_t child = vfork();
  if (child == 0) become_tool(tool, ends[1], environment, error);
  if (child < 0) error = errno;
  close(ends[1]);
  ToolEnd end;
  if (child > 0) {
    collect(ends[0], output, capacity, end);
    wait_for(child, end);
  }
  close(ends[0]);
  end.start_error = error;
  return end;
}

ToolEnd run_tool_or_refuse(Report& report, const Tool& tool, char* output, std::size_t capacity) {
  const ToolEnd end = run_tool(tool, output, capacity);
  if (end.start_error == ENOENT) {
    char reason[128];
    snprintf(reason, sizeof reason, "not installed; apt-get install %s", tool.package);
    report.refuse(tool.arguments[0], reason);
  }
  if (end.start_error != 0) report.refuse(tool.arguments[0], strerrordesc_np(end.start_error));
  if (!end.is_whole)
    report.refuse(tool.arguments[0], "it printed more than the experiment has room for");
  return end;
}

}  // namespace heapwise

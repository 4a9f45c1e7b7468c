#include "bench/experiment/attempt.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace heapwise {
namespace {

void read_byte(void* address) {
  static_cast<void>(*static_cast<volatile char*>(address));
}

void write_byte(void* address) {
  *static_cast<volatile char*>(address) = 1;
}

}  // namespace

int signal_of_attempt(Report& report, void (*attempt)(void*), void* argument) {
  const pid_t child = fork();
  if (child < 0) report.refuse("fork");
  if (child == 0) {
    prctl(PR_SET_DUMPABLE,
          0);  // a core file would stay behind, and a crash handler would be called
    attempt(argument);
    _exit(EXIT_SUCCESS);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int signal_of_read(Report& report, const void* address) {
  return signal_of_attempt(report, read_byte, const_cast<void*>(address));
}

int signal_of_write(Report& report, const void* address) {
  return signal_of_attempt(report, write_byte, const_cast<void*>(address));
}

}  // namespace heapwise

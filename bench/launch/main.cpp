// heapwise-launch: the one way a child of the suite is started. See docs/protocols.md.
//
// A static program without C++ runtime or heap, because a child's ru_maxrss starts at its parent's
// size. It dies with its parent: the kernel sends SIGTERM when the *thread* that started it ends,
// so a parent starts it from a thread that outlives the command.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/launch/arguments.h"
#include "bench/launch/command.h"
#include "bench/launch/supervisor.h"

namespace {

constexpr int kReportNotWritten = 1;
constexpr int kWrongArguments = 2;

// Asks for SIGTERM at the parent's death. False when the parent died before it could be asked for:
// it changed under our eyes, or nobody holds the other end of the report's pipe.
bool tie_to_parent(int report_descriptor) {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) return false;
  pollfd report{report_descriptor, POLLOUT, 0};
  return poll(&report, 1, 0) < 0 || (report.revents & (POLLERR | POLLHUP)) == 0;
}

// A shell that becomes the launcher by exec leaves it the children that it has in the background.
// They are not the command's, and the launcher could not tell them from what the command leaves.
bool has_children() {
  while (waitpid(-1, nullptr, WNOHANG | __WALL) > 0) {
  }
  return errno != ECHILD;
}

bool write_report(int descriptor, const heapwise::LaunchReport& report) {
  const char* bytes = reinterpret_cast<const char*>(&report);
  size_t done = 0;
  while (done < sizeof report) {
    const ssize_t written = write(descriptor, bytes + done, sizeof report - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (written == 0 || errno != EINTR) {
      fprintf(stderr, "heapwise-launch: cannot write the report to descriptor %d: %s\n", descriptor,
              strerror(errno));
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  heapwise::Arguments arguments;
  const heapwise::Parsed parsed = heapwise::parse_arguments(argc, argv, arguments);
  if (parsed == heapwise::Parsed::kHelp) return 0;
  if (parsed == heapwise::Parsed::kWrong) return kWrongArguments;

  const sigset_t inherited_signals = heapwise::block_signals();
  fcntl(arguments.report_descriptor, F_SETFD, FD_CLOEXEC);
  if (!tie_to_parent(arguments.report_descriptor)) {
    fputs("heapwise-launch: nobody waits for the report any more; nothing was started\n", stderr);
    return kReportNotWritten;
  }
  if (has_children()) {
    fputs(
        "heapwise-launch: started by exec in a shell that has processes in the background; start "
        "it without exec; nothing was started\n",
        stderr);
    return kReportNotWritten;
  }
  heapwise::LaunchReport report = heapwise::run_command(arguments, inherited_signals);
  report.magic = heapwise::kLaunchReportMagic;
  return write_report(arguments.report_descriptor, report) ? 0 : kReportNotWritten;
}

#include "bench/launch/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace heapwise {
namespace {

// Fields of /proc/PID/stat that lie between those read here.
constexpr int kFieldsFromSessionToFlags = 2;
constexpr int kFieldsFromFlagsToThreads = 10;
constexpr unsigned long kExitingFlag = 0x4;  // PF_EXITING: has run its last instruction
constexpr std::size_t kStateLength = 2;      // with the space before it
constexpr int kDeepestTree = 4096;           // a longer chain of parents is one that changes

struct ProcessStatus {
  pid_t pid;
  pid_t parent;
  pid_t group;
  pid_t session;
  bool is_alive;
};

// `text` begins behind the name, which may contain anything: " S 1 2 3 ...", S being the state.
ProcessStatus parse_status(pid_t pid, char* text) {
  ProcessStatus status{};
  status.pid = pid;
  char* next = text + kStateLength;
  status.parent = static_cast<pid_t>(strtol(next, &next, 10));
  status.group = static_cast<pid_t>(strtol(next, &next, 10));
  status.session = static_cast<pid_t>(strtol(next, &next, 10));
  for (int i = 0; i < kFieldsFromSessionToFlags; ++i) strtol(next, &next, 10);
  const unsigned long flags = strtoul(next, &next, 10);
  for (int i = 0; i < kFieldsFromFlagsToThreads; ++i) strtoul(next, &next, 10);
  const long threads = strtol(next, nullptr, 10);
  // The flag is the first thread's, which may have ended alone. A zombie has it as well.
  status.is_alive = (flags & kExitingFlag) == 0 || threads > 1;
  return status;
}

// False when the process is gone.
bool read_status(int proc, pid_t pid, ProcessStatus& status) {
  char text[512];
  snprintf(text, sizeof text, "%d/stat", pid);
  const int file = openat(proc, text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = '\0';
  char* name_end = strrchr(text, ')');
  if (name_end == nullptr || strlen(name_end) <= kStateLength) return false;
  status = parse_status(pid, name_end + 1);
  return true;
}

// A /proc mounted from another process namespace would show strangers under the right numbers.
int open_own_proc() {
  char self[16] = {};
  if (readlink("/proc/self", self, sizeof self - 1) <= 0 || atoi(self) != getpid()) return -1;
  return open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// Calls visit(proc, status) for each process there is. False when /proc cannot be used. Read in
// small portions: a number that waits long in the buffer is that of a process that has gone on.
template <class Visit>
bool for_each_process(Visit visit) {
  const int proc = open_own_proc();
  if (proc < 0) return false;
  alignas(dirent64) char entries[512];
  ssize_t filled = 0;
  while ((filled = getdents64(proc, entries, sizeof entries)) > 0) {
    for (ssize_t at = 0; at < filled;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      ProcessStatus status{};
      const pid_t pid = atoi(entry->d_name);  // 0: not a process
      if (pid > 0 && read_status(proc, pid, status)) visit(proc, status);
    }
  }
  close(proc);
  return true;
}

template <class Visit>
bool for_each_child(Visit visit) {
  const pid_t self = getpid();
  return for_each_process([&](int, const ProcessStatus& process) {
    if (process.parent == self) visit(process);
  });
}

bool descends_from(int proc, ProcessStatus process, pid_t ancestor) {
  for (int depth = 0; depth < kDeepestTree && process.parent > 0; ++depth) {
    if (process.parent == ancestor) return true;
    if (!read_status(proc, process.parent, process)) return false;
  }
  return false;
}

// A session that is not the launcher's was begun inside the tree, so all of it is of the tree. The
// child just read holds the group's number. It may leave the group before the signal is sent, but
// the kernel hands numbers out in a circle: a freed one would have to come round between two calls.
void kill_group_of(const ProcessStatus& child, pid_t own_session) {
  if (child.group > 1 && child.session != own_session) kill(-child.group, SIGKILL);
}

}  // namespace

std::optional<std::uint64_t> signal_children(int signal) {
  std::uint64_t reached = 0;
  const bool is_usable = for_each_child([&](const ProcessStatus& child) {
    if (kill(child.pid, signal) == 0) ++reached;
  });
  return is_usable ? std::optional(reached) : std::nullopt;
}

std::optional<std::uint64_t> kill_children_and_their_groups() {
  const pid_t own_session = getsid(0);
  std::uint64_t reached = 0;
  const bool is_usable = for_each_child([&](const ProcessStatus& child) {
    kill_group_of(child, own_session);
    if (kill(child.pid, SIGKILL) == 0) ++reached;
  });
  return is_usable ? std::optional(reached) : std::nullopt;
}

std::uint64_t count_living_descendants() {
  const pid_t self = getpid();
  std::uint64_t living = 0;
  for_each_process([&](int proc, const ProcessStatus& process) {
    if (process.is_alive && descends_from(proc, process, self)) ++living;
  });
  return living;
}

}  // namespace heapwise

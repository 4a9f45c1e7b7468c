#include "bench/inspect/process_identity.h"

#include <fmt/format.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "bench/core/spec.h"
#include "bench/inspect/keyed_text.h"
#include "bench/program/proc_file.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kKernelThread = 0x0020'0000;  // PF_KTHREAD of linux/sched.h

std::string name_of_user(uid_t user) {
  const passwd* entry = getpwuid(user);
  return entry == nullptr ? std::to_string(user) : entry->pw_name;
}

[[noreturn]] void refuse_missing(pid_t process) {
  throw RunError(fmt::format(
      "there is no process {} to be seen here: it has ended, or it is another user's or "
      "another container's and hidden; find the number with: pgrep -a NAME",
      process));
}

[[noreturn]] void refuse_zombie(pid_t process, const ProcessStat& stat) {
  throw RunError(fmt::format(
      "process {} ({}) has ended and waits for its parent, process {}, to take note of it (a "
      "zombie): it has no memory left to look at; inspect one that lives, or the parent",
      process, stat.name, stat.parent));
}

[[noreturn]] void refuse_kernel_thread(pid_t process, const ProcessStat& stat) {
  throw RunError(fmt::format(
      "process {} ({}) is a thread of the kernel, which has neither memory of its own nor malloc; "
      "ps -eo pid,vsz,comm shows 0 for all of these",
      process, stat.name));
}

/// Who may look is decided by the kernel (ptrace(2), "access mode checking").
[[noreturn]] void refuse_access(const ProcessIdentity& identity, uid_t own_user) {
  const auto who = fmt::format("process {} ({})", identity.pid, identity.name);
  if (own_user == 0) {
    throw RunError(who +
                   " may not be looked at even by root here: the container was started without "
                   "--cap-add SYS_PTRACE, or the process is not of this container; inspect it from "
                   "outside");
  }
  if (own_user == identity.user) {
    throw RunError(
        fmt::format("{} is your own, but hides its memory (it changed its user, holds "
                    "rights of root, or cleared PR_SET_DUMPABLE); type: sudo heapwise "
                    "inspect {}",
                    who, identity.pid));
  }
  throw RunError(
      fmt::format("{} belongs to {}, and the kernel shows its memory to that user and to root "
                  "alone; type: sudo "
                  "heapwise inspect {}",
                  who, identity.user_name, identity.pid));
}

void require_memory(const ProcessFiles& files, const ProcessIdentity& identity, uid_t own_user) {
  const auto maps = files.read("maps");
  if (maps.error == EACCES || maps.error == EPERM) refuse_access(identity, own_user);
  if (maps.error != 0 && maps.error != ENOENT && maps.error != ESRCH) {
    throw RunError(fmt::format("cannot read {}: {}; is /proc mounted?", files.path("maps"),
                               std::strerror(maps.error)));
  }
  if (maps.text.empty()) {
    throw RunError(fmt::format("process {} ({}) has just ended; inspect one that lives longer",
                               identity.pid, identity.name));
  }
}

}  // namespace

pid_t parse_process_number(const std::string& text) {
  pid_t process = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, process);
  if (error == std::errc() && rest == end && process > 0) return process;
  throw UsageError("'" + text +
                   "' is not the number of a process; find it with: pgrep -a NAME, or ps -e");
}

pid_t process_of_thread(const ProcessFiles& files) {
  const auto status = files.read("status").text;
  return static_cast<pid_t>(number_of(status, "Tgid").value_or(0));
}

ProcessIdentity identify(const ProcessFiles& files, uid_t own_user) {
  const auto stat = parse_process_stat(files.read("stat").text);
  if (!stat) refuse_missing(files.process());
  if ((stat->flags & kKernelThread) != 0) refuse_kernel_thread(files.process(), *stat);
  if (stat->state == 'Z' || stat->state == 'X') refuse_zombie(files.process(), *stat);
  ProcessIdentity identity{.pid = files.process(),
                           .name = stat->name,
                           .executable = files.link("exe"),
                           .started_ticks = stat->started_ticks};
  identity.user = static_cast<uid_t>(number_of(files.read("status").text, "Uid").value_or(0));
  identity.user_name = name_of_user(identity.user);
  require_memory(files, identity, own_user);
  return identity;
}

}  // namespace heapwise

// Where page faults are counted: by the kernel, for each process, from its beginning on.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/experiment/cold_file.h"
#include "bench/experiment/experiment.h"
#include "bench/experiment/tool.h"
#include "bench/experiment/usage.h"

namespace heapwise {
namespace {

constexpr std::int64_t kPagesCount = 256;
constexpr std::int64_t kChildPagesCount = 1000;
constexpr std::int64_t kColdPagesCount = 16;

std::size_t bytes_of(std::int64_t pages_count) {
  return static_cast<std::size_t>(pages_count * getpagesize());
}

/// Maps so many fresh pages and writes to each. MAP_FAILED where they cannot be mapped.
void* map_and_touch(std::int64_t pages_count) {
  void* const memory = mmap(nullptr, bytes_of(pages_count), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return memory;
  auto* const bytes = static_cast<volatile char*>(memory);
  for (std::int64_t i = 0; i < pages_count; ++i) bytes[i * getpagesize()] = 1;
  return memory;
}

void* map_and_touch_or_refuse(Report& report, std::int64_t pages_count) {
  void* const memory = map_and_touch(pages_count);
  if (memory == MAP_FAILED) report.refuse("mmap of anonymous memory");
  return memory;
}

/// Memory in which a child leaves what it saw.
template <class Seen>
Seen* shared(Report& report) {
  void* const memory =
      mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap of a shared page");
  return static_cast<Seen*>(memory);
}

pid_t fork_or_refuse(Report& report) {
  const pid_t child = fork();
  if (child < 0) report.refuse("fork");
  return child;
}

int wait_for(pid_t child, int options) {
  int status = 0;
  while (waitpid(child, &status, options) < 0 && errno == EINTR) {
  }
  return status;
}

struct ChildSeen {
  std::int64_t first_count;  // minor faults, before it did anything
  std::int64_t last_count;
};

/// A child that touches pages of its own.
ChildSeen count_in_child(Report& report) {
  auto* const seen = shared<ChildSeen>(report);
  const pid_t child = fork_or_refuse(report);
  if (child == 0) {
    const std::int64_t first_count = read_usage().minor_faults_count;
    map_and_touch(kChildPagesCount);
    *seen = {.first_count = first_count, .last_count = read_usage().minor_faults_count};
    _exit(EXIT_SUCCESS);
  }
  wait_for(child, 0);
  return *seen;
}

/// A child that touches pages of its own and then becomes a fresh program, which tells its count.
void count_after_exec(Report& report) {
  const pid_t child = fork_or_refuse(report);
  if (child == 0) {
    map_and_touch(kChildPagesCount);
    execl("/proc/self/exe", "heapwise-experiment", "fault_count", nullptr);
    _exit(EXIT_FAILURE);
  }
  wait_for(child, 0);
}

void touch_twice(Report& report) {
  const std::int64_t begin = report.step("at the start").minor_faults_count;
  void* const memory = map_and_touch_or_refuse(report, kPagesCount);
  const std::int64_t touched = report.step("256 fresh pages written", memory).minor_faults_count;
  munmap(memory, bytes_of(kPagesCount));
  const std::int64_t unmapped = report.step("their mapping removed").minor_faults_count;
  void* const more = map_and_touch_or_refuse(report, kPagesCount);
  const std::int64_t again = report.step("256 other pages written", more).minor_faults_count;
  report.value("pages_count", kPagesCount);
  report.value("first_touch_faults_count", touched - begin);
  report.value("unmap_faults_count", unmapped - touched);
  report.value("both_touches_faults_count", again - begin);
}

/// What a stopped process has used, by its own account; and nothing after it.
struct OwnAccount {
  std::int64_t minor_faults_count;
  std::int64_t major_faults_count;
};

/// Faults of both kinds, then its account, then a halt in which ps can look at it. The account is
/// read twice and the signal sent once in vain: their first calls have faults of their own.
[[noreturn]] void fault_and_halt(OwnAccount* account) {
  const ColdFile file = make_cold_file(kColdPagesCount);
  if (file.is_open()) read_each_page(file);
  map_and_touch(kChildPagesCount);
  kill(getpid(), 0);
  for (int i = 0; i < 2; ++i) {
    const Usage usage = read_usage();
    *account = {usage.minor_faults_count, usage.major_faults_count};
  }
  kill(getpid(), SIGSTOP);
  _exit(EXIT_SUCCESS);
}

/// Ends the child whatever becomes of ps.
ToolEnd ask_ps(pid_t child, char* output, std::size_t capacity) {
  char number[16];
  snprintf(number, sizeof number, "%d", child);
  const char* const words[] = {"ps", "-o", "majflt=,minflt=", "-p", number, nullptr};
  const ToolEnd end = run_tool({.package = "procps", .arguments = words}, output, capacity);
  kill(child, SIGKILL);
  wait_for(child, 0);
  return end;
}

}  // namespace

/// Tells: minor_faults_after_exec_count, the count of this process so far. For fault_counters,
/// whose child becomes it.
void fault_count(Report& report, const Arguments&) {
  report.value("minor_faults_after_exec_count", read_usage().minor_faults_count);
}

/// Tells: pages_count; the growth of this process's minor faults by a write to so many fresh pages
/// (first_touch_faults_count), by removing their mapping (unmap_faults_count), by all that and a
/// write to as many again (both_touches_faults_count); of a child, which writes to
/// child_pages_count pages: its count at its start (child_first_count) and end (child_last_count),
/// and what this process's count grew by meanwhile (meanwhile_faults_count);
/// minor_faults_after_exec_count.
void fault_counters(Report& report, const Arguments&) {
  touch_twice(report);
  const std::int64_t before = read_usage().minor_faults_count;
  const ChildSeen child = count_in_child(report);
  const std::int64_t after = report.step("a child has written 1,000 pages").minor_faults_count;
  report.value("parent_first_count", before);
  report.value("child_pages_count", kChildPagesCount);
  report.value("child_first_count", child.first_count);
  report.value("child_last_count", child.last_count);
  report.value("meanwhile_faults_count", after - before);
  count_after_exec(report);
  report.step("a child has written 1,000 pages and executed another program");
}

/// Tells of a child with faults of both kinds: what it counts itself by getrusage
/// (own_minor_faults_count, own_major_faults_count) and what ps prints of it (ps_...).
void faults_by_ps(Report& report, const Arguments&) {
  report.step("at the start");
  auto* const account = shared<OwnAccount>(report);
  const pid_t child = fork_or_refuse(report);
  if (child == 0) fault_and_halt(account);
  wait_for(child, WUNTRACED);
  report.step("a child has read a cold file, written 1,000 pages and stands still");
  char output[128];
  const ToolEnd end = ask_ps(child, output, sizeof output);
  if (end.start_error != 0) report.refuse("ps", "not installed; apt-get install procps");
  char* rest = nullptr;
  const std::int64_t major_count = strtoll(output, &rest, 10);
  const std::int64_t minor_count = strtoll(rest, nullptr, 10);
  if (!end.succeeded() || rest == output)
    report.refuse("ps -o majflt,minflt", "it printed no number");
  report.step("ps -o majflt,minflt -p CHILD");
  report.value("ps_major_faults_count", major_count);
  report.value("ps_minor_faults_count", minor_count);
  report.value("own_major_faults_count", account->major_faults_count);
  report.value("own_minor_faults_count", account->minor_faults_count);
}

}  // namespace heapwise

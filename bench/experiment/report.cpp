#include "bench/experiment/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/launch/launch_report.h"

namespace heapwise {
namespace {

constexpr int kLongestLine = 1024;

// One write(2) a line; snprintf formats numbers without heap.
__attribute__((format(printf, 1, 2))) void say(const char* format, ...) {
  char line[kLongestLine];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  if (length > kLongestLine - 2) length = kLongestLine - 2;
  for (int i = 0; i < length; ++i) {
    if (line[i] == '\n') line[i] = ' ';
  }
  line[length++] = '\n';
  for (int written = 0; written < length;) {
    const ssize_t count =
        write(STDOUT_FILENO, line + written, static_cast<std::size_t>(length - written));
    if (count < 0 && errno != EINTR) _exit(EXIT_FAILURE);
    if (count > 0) written += static_cast<int>(count);
  }
}

/// /proc/self is the process that opened it, also for its children: a fork opens its own.
int open_own_statm() {
  static pid_t owner = 0;
  static int statm = -1;
  if (owner == getpid()) return statm;
  if (statm >= 0) close(statm);
  owner = getpid();
  statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  return statm;
}

}  // namespace

ProcessState read_process_state() {
  char text[128] = {};
  if (pread(open_own_statm(), text, sizeof text - 1, 0) <= 0) return {};
  char* end = nullptr;
  const std::int64_t page_bytes = getpagesize();
  const std::int64_t mapped_pages = strtoll(text, &end, 10);
  const std::int64_t resident_pages = strtoll(end, nullptr, 10);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.brk = reinterpret_cast<std::int64_t>(sbrk(0)),
          .vsz_bytes = mapped_pages * page_bytes,
          .rss_bytes = resident_pages * page_bytes,
          .minor_faults_count = usage.ru_minflt,
          .major_faults_count = usage.ru_majflt};
}

void Report::value(const char* name, std::int64_t figure) {
  say("value %s %lld", name, static_cast<long long>(figure));
}

void Report::text(const char* name, const char* words) {
  say("text %s %s", name, words);
}

void Report::point(const char* series, double x, double y) {
  say("point %s %.9g %.9g", series, x, y);
}

void Report::prepare() {
  // longer than what vsnprintf copies by itself: beyond, it calls a function that lies on another
  // page
  constexpr const char* kLongLabel = "a label of more than twenty letters";
  char line[kLongestLine] = {};
  snprintf(line, sizeof line, "%lld %llu %.9g %s", -1LL, 1ULL, 0.5, kLongLabel);
  read_process_state();
  if (write(STDOUT_FILENO, line, 0) < 0) _exit(EXIT_FAILURE);
}

ProcessState Report::step(const char* label, const void* address) {
  const ProcessState now = read_process_state();
  say("step %lld %lld %lld %lld %lld %llu %s", static_cast<long long>(now.brk),
      static_cast<long long>(now.vsz_bytes), static_cast<long long>(now.rss_bytes),
      static_cast<long long>(now.minor_faults_count),
      static_cast<long long>(now.major_faults_count),
      static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(address)), label);
  return now;
}

void Report::refuse(const char* what, const char* reason) {
  say("refused %s: %s", what, reason != nullptr ? reason : strerrordesc_np(errno));
  _exit(EXIT_SUCCESS);
}

void Report::count_system_calls_from_here() {
  prctl(kRegionBeginsMarker);
}
void Report::count_system_calls_until_here() {
  prctl(kRegionEndsMarker);
}

}  // namespace heapwise

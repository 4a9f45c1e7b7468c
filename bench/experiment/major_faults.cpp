// Page faults for which storage is read, and what else touching a page may cost.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "bench/experiment/cold_file.h"
#include "bench/experiment/experiment.h"

namespace heapwise {
namespace {

constexpr std::int64_t kNsPerMillisecond = 1'000'000;
constexpr std::int64_t kTrialPages = 256;
constexpr std::int64_t kBytesPerKiB = 1024;

/// MemAvailable of /proc/meminfo; 0 where it has none.
std::int64_t available_memory_bytes() {
  char text[4096] = {};
  const int file = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  constexpr const char* kLabel = "MemAvailable:";
  const char* const line = length > 0 ? strstr(text, kLabel) : nullptr;
  return line == nullptr ? 0 : strtoll(line + strlen(kLabel), nullptr, 10) * kBytesPerKiB;
}

ColdFile make_trial_file(Report& report) {
  ColdFile file = make_cold_file(kTrialPages);
  if (file.is_open()) return file;
  report.refuse(
      "a file that is not in memory",
      "the pages of files in TMPDIR, /var/tmp, /tmp and here cannot be dropped, or nothing "
      "can be written there; set TMPDIR to a folder on a disk");
}

/// As many pages as can be read in the time, by what the trial took.
std::int64_t affordable_pages(std::int64_t wanted, std::int64_t trial_ns, std::int64_t budget_ns) {
  const std::int64_t page_ns = std::max<std::int64_t>(1, trial_ns / kTrialPages);
  return std::clamp(budget_ns / page_ns, kTrialPages, std::max(wanted, kTrialPages));
}

struct AnonymousTouches {
  Usage first;
  Usage again;
};

/// A write to each of so many anonymous pages, twice.
AnonymousTouches touch_anonymous(Report& report, std::int64_t pages_count) {
  const std::int64_t page_bytes = getpagesize();
  const auto length = static_cast<std::size_t>(pages_count * page_bytes);
  void* const memory =
      mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap of anonymous memory");
  auto* const bytes = static_cast<volatile char*>(memory);
  const Usage at_first = read_usage();
  for (std::int64_t i = 0; i < pages_count; ++i) bytes[i * page_bytes] = 1;
  const Usage at_again = read_usage();
  for (std::int64_t i = 0; i < pages_count; ++i) bytes[i * page_bytes] = 2;
  const Usage at_end = read_usage();
  munmap(memory, length);
  return {at_again - at_first, at_end - at_again};
}

void tell_cold(Report& report, const Usage& cold) {
  report.value("cold_major_faults_count", cold.major_faults_count);
  report.value("cold_minor_faults_count", cold.minor_faults_count);
  report.value("cold_read_bytes", cold.read_bytes);
  report.value("cold_elapsed_ns", cold.clock_ns);
}

void tell_warm(Report& report, const Usage& warm) {
  report.value("warm_major_faults_count", warm.major_faults_count);
  report.value("warm_minor_faults_count", warm.minor_faults_count);
  report.value("warm_read_bytes", warm.read_bytes);
  report.value("warm_elapsed_ns", warm.clock_ns);
}

void tell_anonymous(Report& report, const AnonymousTouches& touches) {
  report.value("anonymous_major_faults_count", touches.first.major_faults_count);
  report.value("anonymous_minor_faults_count", touches.first.minor_faults_count);
  report.value("anonymous_elapsed_ns", touches.first.clock_ns);
  report.value("again_faults_count",
               touches.again.minor_faults_count + touches.again.major_faults_count);
  report.value("again_elapsed_ns", touches.again.clock_ns);
}

}  // namespace

/// Arguments: pages of the file (16,384 at most), and for how many milliseconds to read it (1000):
/// on slow storage the file is shorter, 256 pages at least. Reads each page once from storage
/// (cold_*), once more through a new mapping from the page cache (warm_*), writes so many anonymous
/// pages (anonymous_*), and these once more (again_*). Tells besides: folder, wanted_pages_count,
/// pages_count, page_bytes, available_memory_bytes.
void cold_file(Report& report, const Arguments& arguments) {
  const std::int64_t wanted = std::min(arguments.number(0, kMostColdPages), kMostColdPages);
  const std::int64_t budget_ns = arguments.number(1, 1000) * kNsPerMillisecond;
  report.step("at the start");
  ColdFile file = make_trial_file(report);
  const Usage trial = read_each_page(file);
  if (!grow(file, affordable_pages(wanted, trial.clock_ns, budget_ns))) {
    report.refuse("a longer file that is not in memory",
                  "there is no room for it, or its pages stay");
  }
  report.step("a file written, and its pages dropped from memory");
  tell_cold(report, read_each_page(file));
  report.step("each page of the file read");
  tell_warm(report, read_each_page(file));
  report.step("each page read once more, through a new mapping");
  tell_anonymous(report, touch_anonymous(report, file.pages_count));
  report.step("so many anonymous pages written, and written again");
  report.text("folder", file.folder);
  report.value("wanted_pages_count", wanted);
  report.value("pages_count", file.pages_count);
  report.value("page_bytes", getpagesize());
  report.value("available_memory_bytes", available_memory_bytes());
}

}  // namespace heapwise

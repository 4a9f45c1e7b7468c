// What an object looks like when it is handed out: where it lies and what is in it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>

#include "bench/experiment/experiment.h"
#include "bench/experiment/own_memory.h"
#include "bench/experiment/pages.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr unsigned char kMark = 0xA7;  // what freed objects are full of
constexpr std::size_t kMemoryBytes = std::size_t{16} << 20;
constexpr std::size_t kMostObjects = 1000;
constexpr std::size_t kAlignedSizes[] = {1, 8, 16, 24, 64, 4096, std::size_t{1} << 20};
constexpr std::size_t kReusedSizes[] = {64, 4096, std::size_t{1} << 20};
constexpr std::size_t kCallocBytes = std::size_t{16} << 20;

std::size_t objects_of(std::size_t size) {
  return std::min(kMostObjects, kMemoryBytes / size);
}

/// What all addresses are multiples of. Objects of other sizes lie between: many of one size alone
/// may happen to begin at multiples of it.
void measure_alignment(Report& report, std::size_t size) {
  constexpr std::size_t kOtherSizes = 13;
  constexpr std::size_t kOtherStep = 8;
  std::uintptr_t bits = 0;
  for (std::size_t i = 0; i < objects_of(size); ++i) {
    unknown(malloc(1 + kOtherStep * (i % kOtherSizes)));
    bits |= reinterpret_cast<std::uintptr_t>(malloc(size));
  }
  const std::uintptr_t alignment = bits & (~bits + 1);
  report.point("alignment_bytes", static_cast<double>(size), static_cast<double>(alignment));
}

std::size_t count_marks(const unsigned char* bytes, std::size_t size) {
  return static_cast<std::size_t>(std::count(bytes, bytes + size, kMark));
}

/// Fills and frees objects of the size, all but the last, so that they are not at a heap's end; the
/// next ones of that size are looked into.
void measure_stale(Report& report, std::size_t size, unsigned char** objects) {
  const std::size_t count = objects_of(size);
  for (std::size_t i = 0; i < count; ++i) {
    objects[i] = static_cast<unsigned char*>(unknown(malloc(size)));
    memset(objects[i], kMark, size);
  }
  const std::size_t freed = count - 1;
  for (std::size_t i = 0; i < freed; ++i) free(objects[i]);
  std::size_t marks = 0;
  for (std::size_t i = 0; i < freed; ++i) {
    objects[i] = static_cast<unsigned char*>(unknown(malloc(size)));
    marks += count_marks(objects[i], size);
  }
  const double percent = 100 * static_cast<double>(marks) / static_cast<double>(freed * size);
  report.point("stale_percent", static_cast<double>(size), percent);
}

struct Calloc {
  std::int64_t faults_count = 0;
  std::int64_t duration_ns = 0;
  std::int64_t resident_pages = 0;  // right after, before anything is read
  std::int64_t bytes_not_zero = 0;
};

std::int64_t now_ns() {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kPerSecond + now.tv_nsec;
}

Calloc observe_calloc(std::size_t size) {
  Calloc seen;
  const std::int64_t faults = read_process_state().minor_faults_count;
  const std::int64_t begin = now_ns();
  auto* const object = static_cast<unsigned char*>(unknown(calloc(1, size)));
  seen.duration_ns = now_ns() - begin;
  if (object == nullptr) return seen;
  seen.faults_count = read_process_state().minor_faults_count - faults;
  seen.resident_pages = count_resident_pages(object, size);
  seen.bytes_not_zero = static_cast<std::int64_t>(size) - std::count(object, object + size, 0);
  free(object);
  return seen;
}

void tell_calloc(Report& report, const char* name, const Calloc& seen) {
  char text[64];
  const auto tell = [&](const char* figure, std::int64_t value) {
    snprintf(text, sizeof text, "%s_%s", name, figure);
    report.value(text, value);
  };
  tell("faults_count", seen.faults_count);
  tell("duration_ns", seen.duration_ns);
  tell("resident_pages_count", seen.resident_pages);
  tell("not_zero_bytes", seen.bytes_not_zero);
}

void dirty_and_free(std::size_t size) {
  void* const object = unknown(malloc(size));
  memset(object, kMark, size);
  free(object);
}

}  // namespace

/// Tells alignment_bytes over the size asked for: the largest power of two that all of many
/// addresses are multiples of.
void mechanism_alignment(Report& report, const Arguments&) {
  report.step("at the start");
  for (const std::size_t size : kAlignedSizes) {
    char name[48];
    snprintf(name, sizeof name, "malloc_of_%zu", size);
    tell_end(report, name, try_in_fork([&] { measure_alignment(report, size); }), "measured");
  }
  report.step("many objects of seven sizes, in forks");
}

/// Tells stale_percent over the size: how many bytes of newly given objects are those that freed
/// ones were full of. Of calloc(16 MiB), fresh_* as the first use of the heap and reused_* after a
/// block of that size was filled and freed: faults_count, duration_ns, resident_pages_count right
/// after (of calloc_pages_count) and not_zero_bytes.
void mechanism_contents(Report& report, const Arguments&) {
  auto** const objects = reinterpret_cast<unsigned char**>(map_table(report, kMostObjects));
  report.step("at the start");
  for (const std::size_t size : kReusedSizes) {
    char name[48];
    snprintf(name, sizeof name, "reuse_of_%zu", size);
    tell_end(report, name, try_in_fork([&] { measure_stale(report, size, objects); }), "measured");
  }
  report.step("objects filled, freed and allocated again, in forks");
  report.value("calloc_pages_count", kCallocBytes / 4096);
  tell_calloc(report, "fresh", observe_calloc(kCallocBytes));
  report.step("calloc(16 MiB), read and freed");
  dirty_and_free(kCallocBytes);
  report.step("malloc(16 MiB), filled and freed");
  tell_calloc(report, "reused", observe_calloc(kCallocBytes));
  report.step("calloc(16 MiB) again, read and freed");
}

}  // namespace heapwise

#include "bench/experiment/usage.h"

#include <sys/resource.h>
#include <time.h>

namespace heapwise {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kNsPerMicrosecond = 1'000;
constexpr std::int64_t kBlockBytes = 512;  // the unit of ru_inblock, whatever the storage has

std::int64_t nanoseconds_of(const timeval& time) {
  return time.tv_sec * kNsPerSecond + time.tv_usec * kNsPerMicrosecond;
}

}  // namespace

Usage Usage::operator-(const Usage& earlier) const {
  return {.clock_ns = clock_ns - earlier.clock_ns,
          .user_ns = user_ns - earlier.user_ns,
          .system_ns = system_ns - earlier.system_ns,
          .minor_faults_count = minor_faults_count - earlier.minor_faults_count,
          .major_faults_count = major_faults_count - earlier.major_faults_count,
          .read_bytes = read_bytes - earlier.read_bytes};
}

Usage read_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.clock_ns = monotonic_ns(),
          .user_ns = nanoseconds_of(usage.ru_utime),
          .system_ns = nanoseconds_of(usage.ru_stime),
          .minor_faults_count = usage.ru_minflt,
          .major_faults_count = usage.ru_majflt,
          .read_bytes = usage.ru_inblock * kBlockBytes};
}

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

}  // namespace heapwise

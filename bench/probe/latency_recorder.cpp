#include "bench/probe/latency_recorder.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace heapwise {
namespace {

long thread_faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

}  // namespace

void LatencyRecorder::restart() {
  all_ = {};
  faulted_ = {};
  take_over();
}

void LatencyRecorder::take_over() {
  faults_seen_ = thread_faults();
}

void LatencyRecorder::merge(const LatencyRecorder& other) {
  for (std::size_t i = 0; i < kStepsCount; ++i) {
    all_[i].merge(other.all_[i]);
    faulted_[i].merge(other.faulted_[i]);
  }
}

void LatencyRecorder::classify(Step step, Ticks ticks) {
  const long faults = thread_faults();
  if (faults_seen_ >= 0 && faults != faults_seen_) faulted_[index(step)].record(ticks);
  faults_seen_ = faults;
}

Ticks measure_fault_floor() {
  constexpr std::size_t kPages = 64;
  constexpr std::size_t kPageBytes = 4096;
  const long mapped = syscall(SYS_mmap, nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  if (mapped == -1) return 0;  // then every step is looked at
  auto* pages = reinterpret_cast<volatile char*>(mapped);
  Ticks cheapest = ~Ticks{0};
  for (std::size_t i = 0; i < kPages; ++i) {
    const Ticks begin = bracket_opens();
    pages[i * kPageBytes] = 1;
    cheapest = std::min(cheapest, bracket_closes() - begin);
  }
  syscall(SYS_munmap, mapped, kPages * kPageBytes);
  return cheapest / 2;
}

}  // namespace heapwise

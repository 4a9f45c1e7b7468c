// When and by how much the address space (VSZ) grows.
#include <pthread.h>
#include <stdlib.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/glibc_top.h"

namespace heapwise {
namespace {

struct Growth {
  Report& report;
  std::int64_t bytes = 0;
};

/// The first malloc of a thread.
void* allocate_in_thread(void* argument) {
  auto& growth = *static_cast<Growth*>(argument);
  const ProcessState before = growth.report.step("a second thread started");
  void* const block = malloc(100);
  growth.bytes = growth.report.step("its first malloc(100)", block).vsz_bytes - before.vsz_bytes;
  return nullptr;
}

std::int64_t growth_of_malloc(Report& report, std::size_t size_bytes, const char* label) {
  const ProcessState before = read_process_state();
  void* const block = malloc(size_bytes);
  return report.step(label, block).vsz_bytes - before.vsz_bytes;
}

}  // namespace

/// 100 times malloc(1,000) after a malloc(1). Tells mallocs_count, growths_count (how many of them
/// VSZ grew at), growth_bytes (by all of them), requested_bytes; and the same for 10,000 of them as
/// many_mallocs_count, many_growths_count.
void small_mallocs(Report& report, const Arguments&) {
  constexpr int kMallocs = 100;
  constexpr int kManyMallocs = 10'000;
  constexpr std::size_t kSizeBytes = 1'000;
  malloc(1);
  const ProcessState before = report.step("malloc(1)");
  int growths_count = 0;
  const auto allocate = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const std::int64_t vsz_bytes = read_process_state().vsz_bytes;
      malloc(kSizeBytes);
      if (read_process_state().vsz_bytes > vsz_bytes) ++growths_count;
    }
  };
  allocate(kMallocs);
  const ProcessState after = report.step("100 x malloc(1,000)");
  report.value("mallocs_count", kMallocs);
  report.value("growths_count", growths_count);
  report.value("growth_bytes", after.vsz_bytes - before.vsz_bytes);
  report.value("requested_bytes", kMallocs * kSizeBytes);
  allocate(kManyMallocs - kMallocs);
  report.step("9,900 x malloc(1,000)");
  report.value("many_mallocs_count", kManyMallocs);
  report.value("many_growths_count", growths_count);
}

/// Tells by how much VSZ grows: mapped_growth_bytes at malloc of mapped_size_bytes, with the heap's
/// top used up small_growth_bytes at malloc of small_size_bytes, and thread_growth_bytes at a
/// thread's first malloc of as much.
void vsz_steps(Report& report, const Arguments&) {
  constexpr std::size_t kMappedSizeBytes = std::size_t{1} << 20;
  report.step("at the start");
  use_up_top();
  report.step("until nothing is free: malloc");
  report.value("small_size_bytes", 100);
  report.value("small_growth_bytes", growth_of_malloc(report, 100, "malloc(100)"));
  report.value("mapped_size_bytes", kMappedSizeBytes);
  report.value("mapped_growth_bytes", growth_of_malloc(report, kMappedSizeBytes, "malloc(1 MiB)"));
  Growth growth{.report = report};
  pthread_t thread{};
  if (pthread_create(&thread, nullptr, allocate_in_thread, &growth) != 0)
    report.refuse("a second thread");
  pthread_join(thread, nullptr);
  report.value("thread_growth_bytes", growth.bytes);
}

}  // namespace heapwise

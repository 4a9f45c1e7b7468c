// The same block again and again: allocate it, write to each of its pages, free it. What a setting
// or an allocator makes of that shows in the faults and system calls of one operation.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "bench/experiment/experiment.h"
#include "bench/experiment/usage.h"

namespace heapwise {
namespace {

constexpr std::int64_t kNsPerMillisecond = 1'000'000;
constexpr std::int64_t kBatchNs = 100'000;  // so long that reading the clock does not count
constexpr std::int64_t kFewestOperations = 3;
constexpr int kMostBatches = 1024;

/// One write for each page's length, from the block's first byte on.
void touch(volatile char* block, std::size_t size) {
  const auto page_bytes = static_cast<std::size_t>(getpagesize());
  for (std::size_t at = 0; at < size; at += page_bytes) block[at] = 1;
}

volatile char* allocate(Report& report, std::size_t size) {
  auto* const block = static_cast<volatile char*>(malloc(size));
  if (block == nullptr) report.refuse("malloc of that size");
  return block;
}

void allocate_touch_free(Report& report, std::size_t size) {
  volatile char* const block = allocate(report, size);
  touch(block, size);
  free(const_cast<char*>(block));
}

/// The first operation, step by step, then a second: after it the allocator has learnt from one
/// free and has its room.
void warm_up(Report& report, std::size_t size) {
  report.step("at the start");
  volatile char* const block = allocate(report, size);
  report.step("malloc", const_cast<char*>(block));
  touch(block, size);
  report.step("a write to each page", const_cast<char*>(block));
  free(const_cast<char*>(block));
  report.step("free");
  allocate_touch_free(report, size);
  report.step("malloc, a write to each page and free, once more");
}

struct Plan {
  std::size_t size = 0;
  std::int64_t budget_ns = 0;
  std::int64_t operations_count = 0;  // 0: as many as fit into the budget
};

/// The times of operations, each the mean of a batch.
struct Batches {
  std::int64_t operation_ns[kMostBatches];
  int count = 0;
  std::int64_t operations_count = 0;

  void sort() { std::sort(operation_ns, operation_ns + count); }
  std::int64_t median_ns() const { return operation_ns[count / 2]; }
};

std::int64_t time_of(Report& report, std::size_t size, std::int64_t operations_count) {
  const std::int64_t begin_ns = monotonic_ns();
  for (std::int64_t i = 0; i < operations_count; ++i) allocate_touch_free(report, size);
  return monotonic_ns() - begin_ns;
}

/// So many that a batch takes long enough, twice: once may have been an interruption.
std::int64_t operations_of_a_batch(Report& report, const Plan& plan) {
  if (plan.operations_count != 0) return 1;
  std::int64_t count = 1;
  while (std::min(time_of(report, plan.size, count), time_of(report, plan.size, count)) < kBatchNs)
    count *= 2;
  return count;
}

bool goes_on(const Plan& plan, const Batches& batches, std::int64_t deadline_ns) {
  if (batches.count == kMostBatches) return false;
  if (plan.operations_count != 0) return batches.operations_count < plan.operations_count;
  return batches.operations_count < kFewestOperations || monotonic_ns() < deadline_ns;
}

void churn(Report& report, const Plan& plan, std::int64_t batch_operations, Batches& batches) {
  const std::int64_t deadline_ns = monotonic_ns() + plan.budget_ns;
  while (goes_on(plan, batches, deadline_ns)) {
    const std::int64_t batch_ns = time_of(report, plan.size, batch_operations);
    batches.operation_ns[batches.count++] = batch_ns / batch_operations;
    batches.operations_count += batch_operations;
  }
}

/// Goes through all that is measured once, for the faults of the first time are not the block's.
void rehearse(Report& report, const Plan& plan, Batches& batches) {
  read_usage();
  report.count_system_calls_from_here();
  report.count_system_calls_until_here();
  churn(report, {.size = plan.size, .operations_count = 1}, 1, batches);
  batches.count = 0;
  batches.operations_count = 0;
}

}  // namespace

/// Arguments: the block's bytes (1 MiB); for how many milliseconds (60, and three operations at
/// least); exactly how many operations instead (0: as the time allows; 1024 at most). Tells of the
/// operations after a warm-up: size_bytes, operations_count, operation_ns (median of batches),
/// fastest_operation_ns, elapsed_ns, user_ns, system_ns, minor_faults_count. System calls are
/// counted around the same operations.
void block_churn(Report& report, const Arguments& arguments) {
  static Batches batches;
  memset(batches.operation_ns, 1, sizeof batches.operation_ns);  // its faults come before
  const Plan plan{.size = static_cast<std::size_t>(arguments.number(0, 1 << 20)),
                  .budget_ns = arguments.number(1, 60) * kNsPerMillisecond,
                  .operations_count = arguments.number(2, 0)};
  warm_up(report, plan.size);
  const std::int64_t batch_operations = operations_of_a_batch(report, plan);
  rehearse(report, plan, batches);
  const Usage before = read_usage();
  report.count_system_calls_from_here();
  churn(report, plan, batch_operations, batches);
  report.count_system_calls_until_here();
  const Usage used = read_usage() - before;
  report.step("many times the same");
  batches.sort();
  report.value("size_bytes", plan.size);
  report.value("operations_count", batches.operations_count);
  report.value("operation_ns", batches.median_ns());
  report.value("fastest_operation_ns", batches.operation_ns[0]);
  report.value("elapsed_ns", used.clock_ns);
  report.value("user_ns", used.user_ns);
  report.value("system_ns", used.system_ns);
  report.value("minor_faults_count", used.minor_faults_count);
}

}  // namespace heapwise

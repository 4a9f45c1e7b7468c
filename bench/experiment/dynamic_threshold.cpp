// The size from which on malloc maps blocks, as it follows what is freed: found from outside, by
// trying sizes in forks.
#include <stdio.h>
#include <stdlib.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/mapped_chunk.h"

namespace heapwise {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kHighestBytes = 128 * kMiB;
// Those before the last use up what free memory the heap has.
constexpr int kBlocksInARow = 4;

// Rising, with smaller ones in between; the last two before 64 MiB are the largest that the rule of
// glibc on 64 bits follows and the smallest that it does not.
constexpr std::size_t kFreedBytes[] = {100'000,    200'000,    300'000,  500'000, kMiB,
                                       700'000,    2 * kMiB,   4 * kMiB, kMiB,    16 * kMiB,
                                       33'550'312, 33'550'313, 64 * kMiB};

void tell_boundary(Report& report, int frees_count) {
  const MappingBoundary boundary = find_mapping_boundary(report, kHighestBytes, kBlocksInARow);
  report.point("smallest_mapped_bytes", frees_count,
               static_cast<double>(boundary.smallest_mapped_bytes));
}

}  // namespace

/// Allocates and frees one block after the other. Tells, by the number of frees so far: a curve
/// freed_bytes, and a curve smallest_mapped_bytes, the smallest size that is mapped then (0: none
/// up to 128 MiB).
void dynamic_threshold(Report& report, const Arguments&) {
  report.step("at the start");
  int frees_count = 0;
  tell_boundary(report, frees_count);
  for (const std::size_t size : kFreedBytes) {
    void* const block = malloc(size);
    if (block == nullptr) report.refuse("malloc of that size");
    free(block);
    char label[64];
    snprintf(label, sizeof label, "malloc(%zu) and its free", size);
    report.step(label, block);
    report.point("freed_bytes", ++frees_count, static_cast<double>(size));
    tell_boundary(report, frees_count);
  }
}

}  // namespace heapwise

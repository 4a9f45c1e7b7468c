// The null allocator: the cost shown beside every cell is measured on it, so inside the region it
// must do nothing, and outside it must not be what breaks a cell.
#include <gtest/gtest.h>

#include "tests/bench/launch/launched.h"

namespace heapwise {
namespace {

const std::vector<std::string> kPreloaded{"LD_PRELOAD=" HEAPWISE_NULL};

// Catches: an "own cost" measured on a heap that still works, or results spoiled by one that
// corrupts what the harness keeps in it.
TEST(NullAllocator, IsARealHeapOutsideTheRegionAndNothingInside) {
  const LaunchResult result =
      run_launched({.command = {HEAPWISE_NULL_PROGRAM}, .environment = kPreloaded});
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

// Catches: an "own cost" of threads that start in the region that cannot be measured, because what
// the C library keeps of them is overwritten, or that is one of fresh buffers.
TEST(NullAllocator, LetsThreadsStartAndEndInTheRegion) {
  const LaunchResult result =
      run_launched({.command = {HEAPWISE_NULL_PROGRAM, "threads"}, .environment = kPreloaded});
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

// Catches: a reservation for its buffers that only a large address space can hold.
TEST(NullAllocator, WorksInALimitedAddressSpace) {
  const LaunchResult result = run_launched({.options = {"--address-space", "2147483648"},
                                            .command = {HEAPWISE_NULL_PROGRAM},
                                            .environment = kPreloaded});
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

// Catches: a heap that only its own test program can live with.
TEST(NullAllocator, RunsStrangersPrograms) {
  const LaunchResult result =
      run_launched({.command = {"sh", "-c", "seq 20000 | sort -n --parallel=4 | tail -n 1"},
                    .environment = kPreloaded});
  EXPECT_TRUE(result.exited_with(0)) << result.output;
  EXPECT_EQ(result.output, "20000\n");
}

// Catches: a test of the null allocator that runs on another one.
TEST(NullAllocator, ItsProgramNoticesWhereItIsNotPreloaded) {
  EXPECT_TRUE(run_launched({.command = {HEAPWISE_NULL_PROGRAM}}).exited_with(2));
}

}  // namespace
}  // namespace heapwise

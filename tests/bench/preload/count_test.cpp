// The counting shim: the suite believes a workload only when the shim's numbers are the announced
// ones, so it must be exact, for every allocator behind it.
#include <gtest/gtest.h>

#include "tests/bench/launch/launched.h"
#include "tests/bench/preload/installed_allocators.h"

namespace heapwise {
namespace {

LaunchResult run_counted(const std::string& mode, const std::string& library) {
  const std::string behind = library.empty() ? "" : ":" + library;
  return run_launched({.command = {HEAPWISE_HEAP_CALL_PROGRAM, mode},
                       .environment = {"LD_PRELOAD=" HEAPWISE_COUNT + behind}});
}

class CountingShim : public InstalledAllocator {};

// Catches: calls deleted by the compiler that nobody misses, or nested calls that hide them.
TEST_P(CountingShim, CountsEveryCallOnceAndEveryByteAskedFor) {
  const LaunchResult result = run_counted("calls", library_path());
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

// Catches: increments lost between threads.
TEST_P(CountingShim, IsExactOverThreads) {
  const LaunchResult result = run_counted("threads", library_path());
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

// Catches: a workload blamed for what pthread_create asks of the heap, and its own calls taken for
// the C library's.
TEST_P(CountingShim, CountsTheCallsOfTheCLibraryApart) {
  const LaunchResult result = run_counted("starts", library_path());
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

INSTANTIATE_TEST_SUITE_P(InFrontOf, CountingShim, testing::ValuesIn(allocators_to_test()),
                         name_of_parameter);

// Catches: a counter that stands still, or runs double, after the first bad_alloc.
TEST(CountingShimAlone, IsStillExactAfterExceptionsPassedThroughIt) {
  const LaunchResult result = run_counted("throws", "");
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

// Catches: a program that is measured without the shim it asked for.
TEST(CountingShimAlone, IsFoundOnlyWhereItIsPreloaded) {
  EXPECT_TRUE(run_launched({.command = {HEAPWISE_HEAP_CALL_PROGRAM, "calls"}}).exited_with(2));
}

// Catches: a shim that breaks the programs it is put in front of.
TEST(CountingShimAlone, AProgramInCThatStartsOthersRunsAsBefore) {
  const LaunchResult result =
      run_launched({.command = {"sh", "-c", "printf 'b\\na\\n' | sort | tr '\\n' ' '"},
                    .environment = {"LD_PRELOAD=" HEAPWISE_COUNT}});
  EXPECT_TRUE(result.exited_with(0));
  EXPECT_EQ(result.output, "a b ");
}

}  // namespace
}  // namespace heapwise

// The injector: what the suite finds of a known amount says what it would find of a real one, so
// the amount must be right and nothing else may change.
#include <gtest/gtest.h>

#include "tests/bench/launch/launched.h"
#include "tests/bench/preload/installed_allocators.h"

namespace heapwise {
namespace {

using Environment = std::vector<std::string>;

const Environment kEveryDial{"HEAPWISE_INJECT_TIME_SHARE=0.1",
                             "HEAPWISE_INJECT_FAULTS_PER_MILLION=1280000",
                             "HEAPWISE_INJECT_RESIDENT_BYTES=1000000"};

LaunchResult run_injected(const std::vector<std::string>& command, const Environment& dials = {},
                          const std::string& behind = "") {
  LaunchRequest request{.command = command, .environment = dials};
  request.environment.push_back("LD_PRELOAD=" HEAPWISE_INJECT +
                                (behind.empty() ? "" : ":" + behind));
  return run_launched(request);
}

class Injector : public InstalledAllocator {};

// Catches: a call that is dropped, made twice or of another size on its way, and heap calls of the
// injector's own; the counter behind it sees them all.
TEST_P(Injector, HandsEveryCallOnOnceAndMakesNoneOfItsOwn) {
  const std::string behind = HEAPWISE_COUNT ":" + library_path();
  for (const auto* mode : {"calls", "threads"}) {
    const LaunchResult result =
        run_injected({HEAPWISE_HEAP_CALL_PROGRAM, mode}, kEveryDial, behind);
    EXPECT_TRUE(result.exited_with(0)) << mode << ": " << result.output;
  }
}

// Catches: an allocator that only works while nothing is injected.
TEST_P(Injector, LeavesContentsAloneOnSeveralThreads) {
  for (const Environment& dials : {Environment{}, kEveryDial}) {
    const LaunchResult result =
        run_injected({HEAPWISE_INJECT_PROGRAM, "threads"}, dials, library_path());
    EXPECT_TRUE(result.exited_with(0)) << result.output;
  }
}

INSTANTIATE_TEST_SUITE_P(InFrontOf, Injector, testing::ValuesIn(allocators_to_test()),
                         name_of_parameter);

// Catches: calls that are lost after an exception passed through the operators.
TEST(InjectorAlone, HandsCallsOnAfterExceptionsPassedThroughIt) {
  const LaunchResult result =
      run_injected({HEAPWISE_HEAP_CALL_PROGRAM, "throws"}, kEveryDial, HEAPWISE_COUNT);
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

class InjectedFaults : public testing::TestWithParam<const char*> {};

// Catches: parts of a fault that are rounded away, faults paid on another thread, pages that are
// still there when they are touched again, and faults where none were asked for.
TEST_P(InjectedFaults, AreExactOnEveryThread) {
  const LaunchResult result =
      run_injected({HEAPWISE_INJECT_PROGRAM, "faults", GetParam()},
                   {std::string("HEAPWISE_INJECT_FAULTS_PER_MILLION=") + GetParam()});
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

INSTANTIATE_TEST_SUITE_P(PerMillion, InjectedFaults,
                         testing::Values("0", "500", "12345.5", "1000000", "1.28e6", "7000000.25"));

// Catches: a kind of allocation that is free of injection, releases and nested calls that are not,
// and a forked child that goes without.
TEST(InjectorAlone, CountsEveryKindOfAllocationOnce) {
  const LaunchResult result = run_injected({HEAPWISE_INJECT_PROGRAM, "kinds"},
                                           {"HEAPWISE_INJECT_FAULTS_PER_MILLION=64000000"});
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

// Catches: memory that comes at load, that is not touched, or that comes again with each region.
TEST(InjectorAlone, IsResidentFromTheRegionOn) {
  for (const auto* bytes : {"0", "1000000", "33554433"}) {
    const LaunchResult result =
        run_injected({HEAPWISE_INJECT_PROGRAM, "resident", bytes},
                     {std::string("HEAPWISE_INJECT_RESIDENT_BYTES=") + bytes});
    EXPECT_TRUE(result.exited_with(0)) << bytes << ": " << result.output;
  }
}

// Catches: a dial whose value is misread, so that a wrong amount passes for the one asked for.
TEST(InjectorAlone, RefusesAValueThatIsNoNumberOrOutOfRange) {
  const std::string time = "HEAPWISE_INJECT_TIME_SHARE=";
  const std::string faults = "HEAPWISE_INJECT_FAULTS_PER_MILLION=";
  const std::string resident = "HEAPWISE_INJECT_RESIDENT_BYTES=";
  for (const auto& dial :
       {time + "3%", time + "-0.03", time + "1.01", time, time + "nan", time + " 0.03",
        time + "0,03", time + "0x1", faults + "many", faults + "-1", faults + "2e9", faults + "1e",
        resident + "8M", resident + "-8", resident + "1e13", resident + "1 "}) {
    const LaunchResult result = run_injected({"true"}, {dial});
    EXPECT_TRUE(result.exited_with(2)) << dial;
    EXPECT_EQ(result.output.find("heapwise: " + dial + " is no number"), 0) << result.output;
    EXPECT_EQ(result.output.find('\n'), result.output.size() - 1) << result.output;
  }
}

// Catches: a null allocator that never learns that its region begins.
TEST(InjectorAlone, PassesTheRegionsBeginningOn) {
  const LaunchResult result = run_injected({HEAPWISE_NULL_PROGRAM}, {}, HEAPWISE_NULL);
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

// Catches: an injector that breaks the programs it is put in front of.
TEST(InjectorAlone, AProgramInCThatStartsOthersRunsAsBefore) {
  const LaunchResult result =
      run_injected({"sh", "-c", "printf 'b\\na\\n' | sort | tr '\\n' ' '"}, kEveryDial);
  EXPECT_TRUE(result.exited_with(0));
  EXPECT_EQ(result.output, "a b ");
}

// Catches: a test of the injector that runs without it.
TEST(InjectorAlone, ItsProgramNoticesWhereItIsNotPreloaded) {
  EXPECT_TRUE(run_launched({.command = {HEAPWISE_INJECT_PROGRAM, "threads"}}).exited_with(2));
}

}  // namespace
}  // namespace heapwise

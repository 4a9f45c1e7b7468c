#include "bench/run/trial.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace heapwise {
namespace {

constexpr std::uint64_t kMicrosecond = 1'000;

/// Pretends that a batch takes a time of its own under each allocator.
class PretendedPairs : public PairRunner {
 public:
  std::uint64_t baseline_batch_ns = 100 * kMicrosecond;
  std::uint64_t candidate_batch_ns = 100 * kMicrosecond;
  Status candidate_status = Status::kOk;
  std::vector<RunRequest> requests;

  RunResult run(const RunRequest& request) override {
    requests.push_back(request);
    return {};
  }

  std::array<RunResult, 2> run_pair(const std::array<RunRequest, 2>& pair) override {
    requests.insert(requests.end(), pair.begin(), pair.end());
    return {answer(pair[0], baseline_batch_ns, Status::kOk),
            answer(pair[1], candidate_batch_ns, candidate_status)};
  }

 private:
  static RunResult answer(const RunRequest& request, std::uint64_t batch_ns, Status status) {
    RunResult result{.status = status, .ready_after = {1}};
    const auto slice = batch_ns * request.slicing.value().batches_per_slice;
    result.metrics["slice_ns"] = std::vector<std::uint64_t>(request.slicing->slices_count, slice);
    return result;
  }
};

Group churn(const char* live) {
  return {.workload = "small_churn",
          .parameters = {{"live", std::stoull(live)},
                         {"min", 16},
                         {"max", 1024},
                         {"warmup", 0},
                         {"operations", 100'000}},
          .pass = "lockstep",
          .blocks = 8,
          .baseline = "glibc",
          .allocators = {"glibc", "jemalloc"},
          .slicing = Slicing{}};
}

// Catches slices that are too short for their clock, or long only on one side.
TEST(Trial, ASliceTakesTwoMillisecondsOnTheSlowerSide) {
  PretendedPairs runner;
  runner.candidate_batch_ns = 30 * kMicrosecond;
  auto group = churn("2048");
  run_trial(group, 1, runner);
  EXPECT_GE(group.slicing->batches_per_slice * runner.baseline_batch_ns, 2'000 * kMicrosecond);
  EXPECT_LE(group.slicing->batches_per_slice * runner.baseline_batch_ns, 3'000 * kMicrosecond);
}

// Catches a lead-in that brings only a part of the working set back, or most of a run that is one.
TEST(Trial, ALeadInGoesOnceOverTheWorkingSetAndNoSliceIsShorter) {
  PretendedPairs runner;
  auto small = churn("2048");
  run_trial(small, 1, runner);
  EXPECT_EQ(small.slicing->lead_in_batches, 1U);  // batches of 2,048 operations
  auto large = churn("102400");
  run_trial(large, 1, runner);
  EXPECT_EQ(large.slicing->lead_in_batches, 50U);
  EXPECT_GE(large.slicing->batches_per_slice, 50U);
}

// Catches a lead-in of minutes over a working set that no cache holds.
TEST(Trial, ALeadInEndsAtWhatTheLastLevelCacheHolds) {
  PretendedPairs runner;
  auto huge = churn("100000000");
  run_trial(huge, 1, runner);
  EXPECT_LT(huge.slicing->lead_in_batches * 2048, 100'000'000U / 10);
}

// Catches trials on other objects than those that are compared, and slices that differ by side.
TEST(Trial, BothSidesAreAskedForTheSame) {
  PretendedPairs runner;
  auto group = churn("2048");
  run_trial(group, 77, runner);
  ASSERT_EQ(runner.requests.size() % 2, 0U);
  for (std::size_t i = 0; i < runner.requests.size(); i += 2) {
    EXPECT_EQ(runner.requests[i].slicing, runner.requests[i + 1].slicing);
    EXPECT_EQ(runner.requests[i].seed, runner.requests[i + 1].seed);
    EXPECT_NE(runner.requests[i].cell.allocator, runner.requests[i + 1].cell.allocator);
  }
}

// Catches a crash in the trial that ends the comparison without a record of it.
TEST(Trial, AFailureLeavesAPlanThatCanRecordIt) {
  PretendedPairs runner;
  runner.candidate_status = Status::kCrashed;
  auto group = churn("2048");
  EXPECT_EQ(run_trial(group, 1, runner).value, 0U);
  EXPECT_GE(group.slicing->slices_count, 1U);
  EXPECT_GE(group.slicing->batches_per_slice, 1U);
}

// Catches threads that are put into slices.
TEST(Trial, WithoutSlicingWholeRunsOfBothAreTimed) {
  PretendedPairs runner;
  auto group = churn("2048");
  group.slicing.reset();
  run_trial(group, 1, runner);
  EXPECT_EQ(runner.requests.size(), 2U);
  EXPECT_FALSE(group.slicing);
}

}  // namespace
}  // namespace heapwise

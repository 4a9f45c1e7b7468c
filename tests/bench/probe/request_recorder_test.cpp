#include "bench/probe/request_recorder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace heapwise {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr double kAlmost = 0.95;  // the counter's length of a nanosecond is measured
constexpr Nanoseconds kNever{1'000'000 * kMillisecond};

double milliseconds_of(Ticks ticks) {
  return static_cast<double>(ticks) * nanoseconds_per_tick() / kMillisecond;
}

double milliseconds_since(Nanoseconds begin) {
  return static_cast<double>((monotonic_now() - begin).value) / kMillisecond;
}

void serve(RequestRecorder& recorder, Nanoseconds due) {
  recorder.await(due);
  recorder.answered();
}

class EveryWaiting : public testing::TestWithParam<Waiting> {};

// Would catch: coordinated omission, the waiting behind a slow request left out.
TEST_P(EveryWaiting, ARequestThatStartsLateIsTimedFromWhenItWasDue) {
  RequestRecorder recorder(1, GetParam());
  recorder.restart();
  recorder.await({0});
  std::this_thread::sleep_for(milliseconds(20));  // the first one is slow
  recorder.answered();
  serve(recorder, {kMillisecond});
  serve(recorder, {2 * kMillisecond});
  EXPECT_EQ(recorder.responses().count(), 3U);
  EXPECT_GE(milliseconds_of(recorder.responses().largest()), 20 * kAlmost);
  EXPECT_GE(milliseconds_of(recorder.responses().quantile(0.3)), 18 * kAlmost);
}

// Would catch: a closed loop, in which requests come as fast as they are answered.
TEST_P(EveryWaiting, NoRequestStartsBeforeItIsDue) {
  RequestRecorder recorder(1, GetParam());
  recorder.restart();
  const auto begin = monotonic_now();
  serve(recorder, {0});
  for (const std::uint64_t due : {1, 5, 6, 20}) {
    recorder.await({due * kMillisecond});
    EXPECT_GE(milliseconds_since(begin), static_cast<double>(due) * kAlmost);
    recorder.answered();
  }
}

INSTANTIATE_TEST_SUITE_P(RequestRecorder, EveryWaiting,
                         testing::Values(Waiting::kSpins, Waiting::kYields));

// Would catch: a warm-up that waits for a schedule, or that is counted in.
TEST(RequestRecorder, BeforeRestartNothingIsAwaitedAndNothingKept) {
  RequestRecorder recorder;
  for (int i = 0; i < 10; ++i) serve(recorder, kNever);
  EXPECT_EQ(recorder.responses().count(), 0U);
  recorder.restart();
  serve(recorder, {0});
  EXPECT_EQ(recorder.responses().count(), 1U);
}

// Would catch: requests that are late from the start because the set-up took its time.
TEST(RequestRecorder, TheScheduleBeginsAnewWithTheFirstRequestAfterRestart) {
  RequestRecorder recorder;
  recorder.restart();
  serve(recorder, {0});
  recorder.restart();
  std::this_thread::sleep_for(milliseconds(40));
  const auto begin = monotonic_now();
  serve(recorder, {20 * kMillisecond});
  EXPECT_GE(milliseconds_since(begin), 20 * kAlmost);
  EXPECT_EQ(recorder.responses().count(), 1U);
}

// Would catch: tails put into the wrong slice, or lost with it.
TEST(RequestRecorder, EachAnswerIsInItsWindowAndAllAreInTheSum) {
  RequestRecorder recorder(3);
  recorder.restart();
  for (int window = 1; window <= 4; ++window) {
    for (int i = 0; i < window; ++i) serve(recorder, {0});
    recorder.next_window();
  }
  ASSERT_EQ(recorder.windows().size(), 3U);
  EXPECT_EQ(recorder.windows()[0].count(), 1U);
  EXPECT_EQ(recorder.windows()[1].count(), 2U);
  EXPECT_EQ(recorder.windows()[2].count(), 3U + 4U) << "the last window never ends";
  EXPECT_EQ(recorder.responses().count(), 10U);
  recorder.restart();
  serve(recorder, {0});
  EXPECT_EQ(recorder.windows()[0].count(), 1U);
  EXPECT_EQ(recorder.responses().count(), 1U);
}

}  // namespace
}  // namespace heapwise

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "bench/core/random.h"
#include "bench/probe/latency_histogram.h"
#include "bench/probe/latency_recorder.h"

namespace heapwise {
namespace {

// Would catch: a bucket table with holes or overlaps, which moves percentiles.
TEST(LatencyHistogram, BucketsCoverEveryValueOnceWithinOnePercent) {
  Ticks expected = 0;
  for (std::size_t i = 0; i < LatencyHistogram::kBucketsCount; ++i) {
    ASSERT_EQ(LatencyHistogram::lower_bound(i), expected);
    expected += LatencyHistogram::width(i);
    ASSERT_EQ(LatencyHistogram::bucket_of(expected - 1), i);
    const auto middle = static_cast<double>(LatencyHistogram::lower_bound(i)) +
                        static_cast<double>(LatencyHistogram::width(i) - 1) / 2;
    const auto error = static_cast<double>(LatencyHistogram::width(i) - 1) / 2;
    ASSERT_LE(error, 0.01 * std::max(1.0, middle));
  }
}

// Would catch: percentiles that are off by more than the promised 1 %.
TEST(LatencyHistogram, QuantilesAreWithinOnePercentOfTheSortedValues) {
  LatencyHistogram histogram;
  Random random(11);
  std::vector<Ticks> values;
  for (int i = 0; i < 100'000; ++i) {
    const double u = static_cast<double>(random.next() >> 11) * 0x1p-53;
    values.push_back(static_cast<Ticks>(20 * std::pow(1.0 - u, -1.2)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double quantile : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const auto rank = static_cast<std::size_t>(std::ceil(quantile * 100'000)) - 1;
    const auto exact = static_cast<double>(values[rank]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(quantile)), exact, 0.01 * exact + 0.5);
  }
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.largest(), values.back());
}

// Would catch: a call of an hour that wraps around into the fast ones.
TEST(LatencyHistogram, ValuesBeyondTheLastBucketAreKeptInIt) {
  LatencyHistogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.bucket_count(LatencyHistogram::kBucketsCount - 1), 1U);
}

// Would catch: one thread's latencies lost in the sum.
TEST(LatencyHistogram, MergingAddsCountsAndKeepsTheLargest) {
  LatencyHistogram a;
  LatencyHistogram b;
  a.record(10);
  b.record(10);
  b.record(5000);
  a.merge(b);
  EXPECT_EQ(a.count(), 3U);
  EXPECT_EQ(a.bucket_count(10), 2U);
  EXPECT_EQ(a.largest(), 5000U);
  EXPECT_EQ(LatencyHistogram().quantile(0.5), 0U);
}

// Would catch: page faults hidden among the ordinary calls, or ordinary calls blamed on faults.
TEST(LatencyRecorder, OnlyStepsThatFaultedAreToldApart) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the sanitizer's own memory faults along";
#endif
  constexpr std::size_t kPages = 256;
  auto* pages = static_cast<volatile char*>(
      mmap(nullptr, kPages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  LatencyRecorder recorder(measure_fault_floor());
  recorder.restart();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < kPages; ++i) {
      const Ticks begin = bracket_opens();
      pages[i * 4096] = 1;
      recorder.record(Step::kFirstWrite, bracket_closes() - begin);
    }
  }
  EXPECT_EQ(recorder.all(Step::kFirstWrite).count(), 2 * kPages);
  EXPECT_EQ(recorder.faulted(Step::kFirstWrite).count(), kPages);
  EXPECT_EQ(recorder.all(Step::kFree).count(), 0U);
  munmap(const_cast<char*>(pages), kPages * 4096);
}

// Touches as many fresh pages.
void fault(std::size_t pages_count) {
  const std::size_t length = (pages_count + 1) * 4096;
  void* mapped = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  auto* pages = static_cast<volatile char*>(mapped);
  for (std::size_t i = 0; i < pages_count; ++i) pages[i * 4096] = 1;
  munmap(mapped, length);
}

// Would catch: the faults of the thread before charged to the next one's first slow call, and
// figures lost between the two.
TEST(LatencyRecorder, AThreadThatTakesOverBeginsWithItsOwnFaults) {
  constexpr unsigned kThreads = 40;
  LatencyRecorder recorder(0);  // every step is looked at
  recorder.restart();
  for (unsigned i = 0; i < kThreads; ++i) {
    std::thread([&recorder, i] {
      fault(i);  // each thread has its own number
      recorder.take_over();
      recorder.record(Step::kFree, 10);
    }).join();
  }
  EXPECT_EQ(recorder.all(Step::kFree).count(), kThreads);
  EXPECT_LT(recorder.faulted(Step::kFree).count(), kThreads / 2);  // one may fault on its way there
}

}  // namespace
}  // namespace heapwise

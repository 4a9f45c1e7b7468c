#include "bench/worker/request_watch.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

void serve(Pacer& pacer, int count) {
  for (int i = 0; i < count; ++i) {
    pacer.await({0});
    pacer.answered();
  }
}

// Would catch: a tail over time that is shifted, or whose last slice is missing.
TEST(RequestWatch, ASingleThreadHasATailForEachSlice) {
  RequestWatch watch(1, 3);
  auto& pacer = *watch.pacers().front();
  serve(pacer, 5);
  watch.restart(0);
  for (const int end : {10, 30, 60}) {
    serve(pacer, end / 3);
    watch.slice_ended(static_cast<std::uint64_t>(end));
  }
  const auto figures = watch.take_figures();
  EXPECT_EQ(figures->responses.count(), 3U + 10U + 20U);
  ASSERT_EQ(figures->tail.size(), 3U);
  EXPECT_EQ(figures->tail.back().operations_count, 60U);
  Ticks largest = 0;
  for (const auto& point : figures->tail) {
    EXPECT_GT(point.p50, 0U);
    EXPECT_LE(point.p50, point.p99);
    EXPECT_LE(point.p99, point.largest);
    largest = std::max(largest, point.largest);
  }
  EXPECT_EQ(largest, figures->responses.largest());
}

// Would catch: responses of one thread given for those of all.
TEST(RequestWatch, TheResponsesOfSeveralThreadsAreOneDistribution) {
  RequestWatch watch(2, 1);
  ASSERT_EQ(watch.pacers().size(), 2U);
  for (unsigned i = 0; i < 2; ++i) watch.restart(i);
  serve(*watch.pacers()[0], 4);
  serve(*watch.pacers()[1], 8);
  watch.slice_ended(12);
  const auto figures = watch.take_figures();
  EXPECT_EQ(figures->responses.count(), 12U);
  EXPECT_TRUE(figures->tail.empty());
}

}  // namespace
}  // namespace heapwise

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "bench/probe/fault_counter.h"
#include "bench/probe/memory_sampler.h"
#include "bench/probe/timeline.h"

namespace heapwise {
namespace {

constexpr std::size_t kMappedBytes = std::size_t{64} << 20;

class Mapping {
 public:
  Mapping()
      : start_(static_cast<char*>(mmap(nullptr, kMappedBytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    madvise(start_, kMappedBytes, MADV_NOHUGEPAGE);
  }
  ~Mapping() { munmap(start_, kMappedBytes); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  // Not instrumented: a sanitizer's own memory would fault along.
  __attribute__((no_sanitize("address"), no_sanitize("thread"))) void touch() {
    for (std::size_t at = 0; at < kMappedBytes; at += 4096) start_[at] = 1;
  }

 private:
  char* start_;
};

// Would catch: RSS and VSZ taken for each other, or pages taken for bytes.
TEST(MemorySampler, MappingMovesVszAndTouchingMovesRss) {
  const MemorySampler sampler;
  const auto before = sampler.sample();
  Mapping mapping;
  const auto mapped = sampler.sample();
  mapping.touch();
  const auto touched = sampler.sample();
  EXPECT_EQ((mapped.vsz - before.vsz).value, kMappedBytes);
  EXPECT_LT((mapped.rss - before.rss).value, std::size_t{1} << 20);
  EXPECT_NEAR(static_cast<double>((touched.rss - mapped.rss).value),
              static_cast<double>(kMappedBytes), 1 << 20);
}

// Would catch: a peak that belongs to the set-up and not to the region.
TEST(MemorySampler, ThePeakStartsAnewWhereItWasReset) {
  const MemorySampler sampler;
  {
    Mapping mapping;
    mapping.touch();
    EXPECT_GE(read_memory_peaks().rss, sampler.sample().rss);
  }
  if (!reset_peak_rss()) GTEST_SKIP() << "/proc/self/clear_refs cannot be written here";
  const auto now = sampler.sample().rss;
  EXPECT_LT(read_memory_peaks().rss.value, now.value + kMappedBytes / 2);
  EXPECT_GE(read_memory_peaks().vsz.value, kMappedBytes);
}

// Would catch: faults of another process or none at all.
TEST(FaultCounter, EveryFirstTouchIsOneMinorFault) {
  Mapping mapping;
  const auto before = read_fault_counts();
  mapping.touch();
  const auto faults = read_fault_counts() - before;
  EXPECT_NEAR(static_cast<double>(faults.minor), kMappedBytes / 4096.0, 16.0);
}

// Would catch: the end of a long run missing from its picture.
TEST(Timeline, AFullTimelineIsThinnedAndStillEndsWithTheLastPoint) {
  Timeline timeline(8);
  for (std::uint64_t i = 0; i < 1000; ++i) timeline.add(i, i, {.rss = {i}, .vsz = {i}});
  EXPECT_LE(timeline.size(), timeline.capacity());
  EXPECT_EQ(timeline[0].operations_count, 0U);
  EXPECT_EQ(timeline[timeline.size() - 1].operations_count, 999U);
  for (std::size_t i = 1; i < timeline.size(); ++i) {
    EXPECT_LT(timeline[i - 1].operations_count, timeline[i].operations_count);
  }
}

}  // namespace
}  // namespace heapwise

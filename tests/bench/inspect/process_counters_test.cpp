#include "bench/inspect/process_counters.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

const std::string kStat =
    "4242 (a (b) c) S 1 4242 4242 0 -1 4194304 1000 7 20 3 150 50 0 0 20 0 17 0 123456 1073741824 "
    "25600 18446744073709551615\n";
const std::string kStatus =
    "Name:\ta (b) c\nVmHWM:\t  204800 kB\nVmSize:\t 1048576 kB\nVmRSS:\t  102400 kB\n"
    "RssAnon:\t   81920 kB\nRssFile:\t   16384 kB\nRssShmem:\t    4096 kB\nVmSwap:\t    2048 kB\n";

// Catches: a field of /proc/PID/stat counted from the wrong place, children's faults among them.
TEST(ProcessCounters, AreTheProcesssOwn) {
  const auto counters = parse_counters(kStat, kStatus, {kSecond});
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->threads_count, 17U);
  EXPECT_EQ(counters->minor_faults_count, 1000U);
  EXPECT_EQ(counters->major_faults_count, 20U);
  EXPECT_EQ(counters->user_cpu.value, 3 * counters->system_cpu.value);
  EXPECT_EQ(counters->vsz, kGiB);
  EXPECT_EQ(counters->rss, Bytes{100 * kMiB.value});
  EXPECT_EQ(counters->rss_anonymous + counters->rss_files + counters->rss_shared, counters->rss);
  EXPECT_EQ(counters->swap, Bytes{2 * kMiB.value});
  EXPECT_EQ(counters->peak_rss, Bytes{200 * kMiB.value});
}

// Catches: a zombie, which has no memory any more, told as one that has shrunk to nothing.
TEST(ProcessCounters, WhoHasNoMemoryHasEnded) {
  EXPECT_FALSE(parse_counters("", "", {}));
  EXPECT_FALSE(parse_counters(kStat, "Name:\tx\nState:\tZ (zombie)\n", {}));
  EXPECT_FALSE(parse_counters("4242 (cut) S 1 2", kStatus, {}));
}

// Catches: rates of another time than the sample's, and shares of something else than one CPU.
TEST(Rates, AreOfASecondAndOfOneCpu) {
  const ProcessCounters before{.taken_at = {kSecond},
                               .minor_faults_count = 1000,
                               .major_faults_count = 5,
                               .user_cpu = {kSecond},
                               .system_cpu = {kSecond},
                               .vsz = {100 * kMiB.value},
                               .rss = {50 * kMiB.value}};
  auto after = before;
  after.taken_at = {3 * kSecond};
  after.minor_faults_count += 400;
  after.major_faults_count += 4;
  after.user_cpu += {3 * kSecond};
  after.system_cpu += {kSecond};
  after.rss = {48 * kMiB.value};
  after.vsz += kMiB;
  const auto rates = rates_between(before, after);
  ASSERT_TRUE(rates);
  EXPECT_DOUBLE_EQ(rates->minor_faults_per_second, 200);
  EXPECT_DOUBLE_EQ(rates->major_faults_per_second, 2);
  EXPECT_DOUBLE_EQ(rates->user_cpu_share, 1.5);
  EXPECT_DOUBLE_EQ(rates->system_cpu_share, 0.5);
  EXPECT_DOUBLE_EQ(rates->system_part(), 0.25);
  EXPECT_EQ(rates->rss_growth_bytes, -2 * static_cast<std::int64_t>(kMiB.value));
  EXPECT_EQ(rates->vsz_growth_bytes, static_cast<std::int64_t>(kMiB.value));
}

// Catches: a division by nothing, and a rate without end where a counter fell.
TEST(Rates, OfNoTimeThereAreNone) {
  ProcessCounters before{.taken_at = {kSecond}, .minor_faults_count = 10};
  EXPECT_FALSE(rates_between(before, before));
  auto after = before;
  after.taken_at = {2 * kSecond};
  after.minor_faults_count = 3;
  const auto rates = rates_between(before, after);
  ASSERT_TRUE(rates);
  EXPECT_EQ(rates->minor_faults_per_second, 0);
  EXPECT_EQ(rates->system_part(), 0);
}

}  // namespace
}  // namespace heapwise

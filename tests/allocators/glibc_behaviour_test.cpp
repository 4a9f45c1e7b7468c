// glibc has no getter: what it makes of each setting, measured, alone and together with others.
#include <gtest/gtest.h>

#include "allocators/behaviour/huge_pages.h"
#include "tests/allocators/allocator_process.h"

namespace heapwise {
namespace {

void expect_verdicts(const std::string& settings,
                     const std::vector<std::pair<std::string, Verdict>>& expected) {
  const auto found = identify_under("glibc:" + settings);
  EXPECT_EQ(found.identity.contradiction, "") << settings;
  ASSERT_EQ(found.settings.size(), expected.size()) << settings;
  for (const auto& [key, verdict] : expected) {
    const auto report = report_on(found.settings, key);
    EXPECT_EQ(report.verdict, verdict) << settings << ": " << to_json(report);
    if (verdict == Verdict::kRequestedOnly) {
      EXPECT_NE(report.source.find("; "), std::string::npos) << "says not why: " << to_json(report);
    } else {
      EXPECT_FALSE(report.read_back.empty()) << to_json(report);
    }
    // The measured process itself can ask nobody.
    EXPECT_EQ(report_on(found.identity.settings, key).verdict, Verdict::kRequestedOnly);
  }
}

constexpr auto kVerified = Verdict::kVerified;
constexpr auto kRequestedOnly = Verdict::kRequestedOnly;
constexpr auto kContradicted = Verdict::kContradicted;

// Would catch: a threshold that is off by the chunk header, or not taken at all.
TEST(GlibcMmapThreshold, IsFoundToTheNextSixteenBytes) {
  for (const std::string value : {"1000", "64K", "100000", "128K", "1M", "32M", "1G"}) {
    expect_verdicts("mmap_threshold=" + value, {{"mmap_threshold", kVerified}});
  }
}

// Would catch: a threshold reported as obeyed where no object is mapped any more.
TEST(GlibcMmapThreshold, CannotBeSeenWhenNothingMayBeMapped) {
  expect_verdicts("mmap_threshold=1M,mmap_max=0",
                  {{"mmap_threshold", kRequestedOnly}, {"mmap_max", kVerified}});
}

// Would catch: a probe that takes the whole machine's memory.
TEST(GlibcMmapThreshold, IsNotTriedBeyondTheMachinesMemory) {
  expect_verdicts("mmap_threshold=4096G", {{"mmap_threshold", kRequestedOnly}});
}

// Would catch: a limit believed although the heap is trimmed at another.
TEST(GlibcTrimThreshold, IsFoundToTheNextSixteenBytes) {
  for (const std::string value : {"135217", "140000", "1M", "16M", "1G"}) {
    expect_verdicts("trim_threshold=" + value, {{"trim_threshold", kVerified}});
  }
  expect_verdicts("trim_threshold=80K,top_pad=0",
                  {{"trim_threshold", kVerified}, {"top_pad", kVerified}});
}

// Would catch: a threshold reported as obeyed where top_pad alone decides.
TEST(GlibcTrimThreshold, CannotBeSeenBelowTopPad) {
  expect_verdicts("trim_threshold=128K", {{"trim_threshold", kRequestedOnly}});
  expect_verdicts("trim_threshold=1M,top_pad=4M",
                  {{"trim_threshold", kRequestedOnly}, {"top_pad", kVerified}});
}

// Would catch: a pad confused with the default one.
TEST(GlibcTopPad, ShowsInTheGrowthOfTheHeap) {
  for (const std::string value : {"0", "64K", "128K", "1M", "64M"}) {
    expect_verdicts("top_pad=" + value, {{"top_pad", kVerified}});
  }
  expect_verdicts("top_pad=131071", {{"top_pad", kRequestedOnly}});
}

// Would catch: the count of start-up's own mapped objects forgotten.
TEST(GlibcMmapMax, IsCounted) {
  for (const std::string value : {"0", "1", "10", "5000"}) {
    expect_verdicts("mmap_max=" + value, {{"mmap_max", kVerified}});
  }
  expect_verdicts("mmap_max=50,mmap_threshold=4K",
                  {{"mmap_max", kVerified}, {"mmap_threshold", kVerified}});
}

// Would catch: threads that share no arena because they never ran at the same time.
TEST(GlibcArenaMax, IsReachedAndNotPassedByManyThreads) {
  for (const std::string value : {"1", "2", "7", "40"}) {
    expect_verdicts("arena_max=" + value, {{"arena_max", kVerified}});
  }
}

// Would catch: arena_test reported as obeyed where the number of CPUs or arena_max decides.
TEST(GlibcArenaTest, IsSeenOnlyAboveTheLimitByCpus) {
  expect_verdicts("arena_test=1", {{"arena_test", kRequestedOnly}});
  expect_verdicts("arena_test=200,arena_max=3",
                  {{"arena_test", kRequestedOnly}, {"arena_max", kVerified}});
  constexpr long kMostCpusForTheTest = 24;
  if (sysconf(_SC_NPROCESSORS_CONF) > kMostCpusForTheTest) GTEST_SKIP() << "too many CPUs";
  expect_verdicts("arena_test=200", {{"arena_test", kVerified}});
}

// Would catch: a cache depth that glibc accepts and does not obey.
TEST(GlibcTcacheCount, IsCountedAndContradictedWhereItIsIgnored) {
  for (const std::string value : {"0", "1", "7", "100", "65535"}) {
    expect_verdicts("tcache_count=" + value, {{"tcache_count", kVerified}});
  }
  expect_verdicts("tcache_count=65536", {{"tcache_count", kContradicted}});
  expect_verdicts("tcache_count=100000", {{"tcache_count", kContradicted}});
}

// Would catch: a largest cached size that is off by one class, or ignored.
TEST(GlibcTcacheMax, IsFoundAndContradictedWhereItIsIgnored) {
  for (const std::string value : {"0", "24", "25", "200", "1032"}) {
    expect_verdicts("tcache_max=" + value, {{"tcache_max", kVerified}});
  }
  expect_verdicts("tcache_max=100K", {{"tcache_max", kContradicted}});
  expect_verdicts("tcache_max=512,tcache_count=0",
                  {{"tcache_max", kRequestedOnly}, {"tcache_count", kVerified}});
}

// Would catch: fastbins mistaken for the thread's cache, which lies in front of them.
TEST(GlibcMxfast, IsFoundBehindTheThreadsCache) {
  for (const std::string value : {"0", "32", "64", "80", "160"}) {
    expect_verdicts("mxfast=" + value, {{"mxfast", kVerified}});
  }
  expect_verdicts("mxfast=64,tcache_count=1000",
                  {{"mxfast", kVerified}, {"tcache_count", kVerified}});
  expect_verdicts("mxfast=161", {{"mxfast", kContradicted}});
}

// Would catch: zeros straight from the kernel taken for the fill byte's complement.
TEST(GlibcPerturb, ShowsInTheContentOfFreshObjects) {
  for (const std::string value : {"0", "1", "85", "255"}) {
    expect_verdicts("perturb=" + value, {{"perturb", kVerified}});
  }
}

// Would catch: huge pages that were asked for and never come.
TEST(GlibcHugetlb, IsReadFromTheMappingsFlags) {
  expect_verdicts("hugetlb=0", {{"hugetlb", kVerified}});
  switch (transparent_huge_pages()) {
    case HugePageMode::kMadvise:
      return expect_verdicts("hugetlb=1", {{"hugetlb", kVerified}});
    case HugePageMode::kAlways:
      return expect_verdicts("hugetlb=1", {{"hugetlb", kRequestedOnly}});
    case HugePageMode::kNever:
    case HugePageMode::kUnknown:
      return expect_verdicts("hugetlb=1", {{"hugetlb", kContradicted}});
  }
}

// Would catch: a probe led astray by another setting's effect on the heap.
TEST(GlibcSettings, AreToldApartWhenAllAreGivenTogether) {
  expect_verdicts(
      "mmap_threshold=64K,trim_threshold=8M,top_pad=4M,mmap_max=100,arena_max=2,tcache_count=20,"
      "tcache_max=512,mxfast=80,hugetlb=0,perturb=85",
      {{"mmap_threshold", kVerified},
       {"trim_threshold", kVerified},
       {"top_pad", kVerified},
       {"mmap_max", kVerified},
       {"arena_max", kVerified},
       {"tcache_count", kVerified},
       {"tcache_max", kVerified},
       {"mxfast", kVerified},
       {"hugetlb", kVerified},
       {"perturb", kVerified}});
}

// Would catch: one ignored value hidden by others that are obeyed.
TEST(GlibcSettings, AreContradictedOneByOne) {
  expect_verdicts("mmap_threshold=32M,tcache_count=100000,trim_threshold=1G,mxfast=1000",
                  {{"mmap_threshold", kVerified},
                   {"tcache_count", kContradicted},
                   {"trim_threshold", kVerified},
                   {"mxfast", kContradicted}});
}

struct Disobedience {
  std::string asked;
  std::string in_force;
};

// Would catch: a probe that says "verified" whatever is in force.
TEST(GlibcSettings, AreContradictedWhereAnotherValueIsInForce) {
  const std::vector<Disobedience> cases{
      {"mmap_threshold=1M", "mmap_threshold=1048592"},
      {"mmap_threshold=1M", "mmap_threshold=1048560"},
      {"mmap_threshold=32M", "mmap_threshold=128K"},
      {"trim_threshold=1M", "trim_threshold=1048592"},
      {"trim_threshold=1M", "trim_threshold=1048560"},
      {"trim_threshold=1G", "trim_threshold=128K"},
      {"top_pad=1M", "top_pad=2M"},
      {"top_pad=1M", "top_pad=0"},
      {"top_pad=0", "top_pad=128K"},
      {"mmap_max=10", "mmap_max=11"},
      {"mmap_max=10", "mmap_max=9"},
      {"mmap_max=0", "mmap_max=1"},
      {"arena_max=3", "arena_max=4"},
      {"arena_max=3", "arena_max=2"},
      {"tcache_count=10", "tcache_count=11"},
      {"tcache_count=10", "tcache_count=9"},
      {"tcache_count=0", "tcache_count=7"},
      {"tcache_max=200", "tcache_max=216"},
      {"tcache_max=200", "tcache_max=184"},
      {"mxfast=64", "mxfast=80"},
      {"mxfast=64", "mxfast=48"},
      {"mxfast=0", "mxfast=32"},
      {"hugetlb=0", "hugetlb=1"},
      {"hugetlb=1", "hugetlb=0"},
      {"perturb=5", "perturb=6"},
      {"perturb=255", "perturb=0"},
  };
  for (const auto& [asked, in_force] : cases) {
    if (asked.starts_with("hugetlb") && transparent_huge_pages() != HugePageMode::kMadvise)
      continue;
    const auto found = identify_claimed("glibc:" + asked, resolve_text("glibc:" + in_force));
    ASSERT_EQ(found.settings.size(), 1U);
    EXPECT_EQ(found.settings[0].verdict, kContradicted)
        << in_force << " is in force: " << to_json(found.settings[0]);
  }
}

// Would catch: glibc's behaviour probed in a process that runs on another malloc.
TEST(GlibcSettings, AreNotProbedOnAnotherMalloc) {
  HEAPWISE_SKIP_IF_MISSING("jemalloc");
  const auto found = identify_claimed("glibc:mmap_threshold=1M", resolve_text("jemalloc"));
  const auto report = report_on(found.settings, "mmap_threshold");
  EXPECT_EQ(report.verdict, kRequestedOnly);
  EXPECT_NE(report.source.find("not probed"), std::string::npos) << report.source;
}

}  // namespace
}  // namespace heapwise

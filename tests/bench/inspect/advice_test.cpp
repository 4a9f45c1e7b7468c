#include "bench/inspect/advice.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "tests/bench/inspect/smaps_text.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

/// A service of 100 MiB on the C library's malloc that does nothing worth a sentence.
Inspection calm() {
  Inspection inspection{
      .process = {.pid = 42, .name = "service", .executable = "/opt/service"},
      .malloc = {.origin = MallocOrigin::kCLibrary,
                 .allocator = "glibc",
                 .library_path = "/libc.so.6"},
      .surroundings = {.huge_pages = "madvise", .overcommit = 0, .mappings_limit = 65530},
      .counters = {.threads_count = 8, .vsz = {300 * kMega}, .rss = {100 * kMega}},
      .rates = Rates{.sample = {kSecond}, .user_cpu_share = 0.05},
      .overall = Rates{.sample = {kSecond}}};
  auto& memory = inspection.memory;
  memory.of(MappingKind::kHeap) = {
      .mappings_count = 1, .vsz = {60 * kMega}, .rss = {50 * kMega}, .pss = {50 * kMega}};
  memory.of(MappingKind::kAnonymous) = {
      .mappings_count = 30, .vsz = {40 * kMega}, .rss = {30 * kMega}, .pss = {30 * kMega}};
  memory.of(MappingKind::kLibraries) = {
      .mappings_count = 50, .vsz = {200 * kMega}, .rss = {20 * kMega}, .pss = {10 * kMega}};
  return inspection;
}

/// What a rule says of an inspection; empty where it does not apply.
Advice advice_by(const std::string& rule, const Inspection& inspection) {
  for (const auto& advice : advise(inspection)) {
    if (advice.rule == rule) return advice;
  }
  return {};
}

bool is_given(const std::string& rule, const Inspection& inspection) {
  return !advice_by(rule, inspection).sentence.empty();
}

bool names(const Advice& advice, const std::string& words) {
  const auto holds = [&](const std::string& text) { return text.find(words) != std::string::npos; };
  return holds(advice.sentence) || std::ranges::any_of(advice.next, holds);
}

// Catches: sentences about a process that is well, and a page that ends in nothing.
TEST(Advice, OfACalmProcessNothingStandsOut) {
  const auto advice = advise(calm());
  ASSERT_EQ(advice.size(), 1U);
  EXPECT_EQ(advice[0].rule, "nothing_stands_out");
  EXPECT_TRUE(names(advice[0], "heapwise try -- COMMAND"));
}

// Catches: a rule without a name, a sentence or a way on, and two of one name.
TEST(Advice, RulesAreComplete) {
  std::set<std::string_view> seen;
  for (const auto& rule : all_rules()) {
    EXPECT_TRUE(seen.insert(rule.name).second) << rule.name;
    EXPECT_TRUE(rule.applies != nullptr && rule.says != nullptr) << rule.name;
    EXPECT_TRUE(rule.tries != nullptr || !rule.claims[0].empty()) << rule.name;
    EXPECT_FALSE(rule.applies(calm())) << rule.name;
    EXPECT_FALSE(rule.applies(Inspection{})) << rule.name << ", of a process without figures";
  }
}

Inspection churning() {
  auto inspection = calm();
  inspection.rates->minor_faults_per_second = 34'000;
  inspection.rates->user_cpu_share = 0.3;
  inspection.rates->system_cpu_share = 0.5;
  return inspection;
}

// Catches: growth told as churn, faults that cost nothing told as a cost, and glibc's settings
// advised to whom they do not reach.
TEST(Advice, FaultsThatLeaveNothingAreChurn) {
  const auto advice = advice_by("faults_churn", churning());
  EXPECT_TRUE(names(advice, "34,000 minor faults a second")) << advice.sentence;
  EXPECT_TRUE(names(advice, "mmap_threshold=64M,trim_threshold=256M"));
  EXPECT_TRUE(names(advice, "claims --explain 9.6") && names(advice, "claims --explain 9.7"));
  auto cheap = churning();
  cheap.rates->user_cpu_share = 3;
  EXPECT_FALSE(is_given("faults_churn", cheap));
  auto few = churning();
  few.rates->minor_faults_per_second = 9'000;
  EXPECT_FALSE(is_given("faults_churn", few));
  auto growing = churning();
  growing.rates->rss_growth_bytes = 34'000 * getpagesize();
  EXPECT_FALSE(is_given("faults_churn", growing));
  auto other = churning();
  other.malloc.allocator = "jemalloc";
  EXPECT_FALSE(names(advice_by("faults_churn", other), "glibc"));
}

// Catches: reads of files told as want of memory, and the reverse.
TEST(Advice, MajorFaultsAreOfSwapOrOfFiles) {
  auto inspection = calm();
  inspection.rates->major_faults_per_second = 120;
  EXPECT_TRUE(is_given("faults_read_files", inspection));
  EXPECT_FALSE(is_given("faults_read_swap", inspection));
  EXPECT_TRUE(names(advice_by("faults_read_files", inspection), "no matter of malloc"));
  inspection.counters.swap = {8 * kMega};
  EXPECT_FALSE(is_given("faults_read_files", inspection));
  EXPECT_TRUE(names(advice_by("faults_read_swap", inspection), "8.00 MiB of it is swapped out"));
  inspection.rates->major_faults_per_second = 3;
  EXPECT_FALSE(is_given("faults_read_swap", inspection));
}

// Catches: the kernel's time put down to memory where nothing faults.
TEST(Advice, KernelTimeWithoutFaultsIsOfSystemCalls) {
  auto inspection = calm();
  inspection.rates->system_cpu_share = 0.7;
  EXPECT_TRUE(names(advice_by("kernel_time_elsewhere", inspection), "strace -f -c -p 42"));
  inspection.rates->minor_faults_per_second = 50'000;
  EXPECT_FALSE(is_given("kernel_time_elsewhere", inspection));
  inspection = calm();
  inspection.rates->user_cpu_share = 0.01;
  inspection.rates->system_cpu_share = 0.1;
  EXPECT_FALSE(is_given("kernel_time_elsewhere", inspection)) << "it is nearly idle";
}

// Catches: a limit that is told as near while there is room, and a limit that cannot be typed.
TEST(Advice, ANearLimitIsSaid) {
  auto inspection = calm();
  inspection.surroundings.cgroup =
      CgroupMemory{.folder = "/g", .use = {93 * kMega}, .limit = Bytes{100 * kMega}};
  EXPECT_TRUE(names(advice_by("limit_is_near", inspection), "heapwise try --memory-limit 100M"));
  inspection.surroundings.cgroup->use = {50 * kMega};
  EXPECT_FALSE(is_given("limit_is_near", inspection));
  inspection.surroundings.cgroup->limit.reset();
  EXPECT_FALSE(is_given("limit_is_near", inspection));
}

// Catches: the commit limit told where the kernel does not hold anyone to it.
TEST(Advice, PromisesCountUnderStrictOvercommitOnly) {
  auto inspection = calm();
  inspection.surroundings.overcommit = 2;
  inspection.surroundings.committed = {95 * kMega};
  inspection.surroundings.commit_limit = {100 * kMega};
  EXPECT_TRUE(names(advice_by("commit_is_near", inspection), "95.0 MiB of 100 MiB"));
  inspection.surroundings.overcommit = 0;
  EXPECT_FALSE(is_given("commit_is_near", inspection));
}

// Catches: a process that is about to be out of mappings, with memory free.
TEST(Advice, MappingsMayRunOut) {
  auto inspection = calm();
  inspection.memory.of(MappingKind::kFiles).mappings_count = 60'000;
  EXPECT_TRUE(names(advice_by("mappings_run_out", inspection), "of the 65,530 mappings"));
  inspection.surroundings.mappings_limit = 0;
  EXPECT_FALSE(is_given("mappings_run_out", inspection)) << "the limit cannot be read";
}

Inspection with_arenas(std::uint64_t count, std::uint64_t rss) {
  auto inspection = calm();
  inspection.counters.threads_count = 64;
  inspection.memory.arenas = {.heaps_count = count + 2, .arenas_count = count};
  inspection.memory.of(MappingKind::kArenas) = {.mappings_count = 2 * count,
                                                .vsz = {(count + 2) * kArenaHeapBytes.value},
                                                .rss = {rss},
                                                .pss = {rss}};
  return inspection;
}

// Catches: arenas blamed where they hold little, or where their number was chosen already.
TEST(Advice, ManyArenasThatHoldMuch) {
  const auto advice = advice_by("many_arenas", with_arenas(34, 2150 * kMega));
  EXPECT_EQ(advice.sentence.rfind("34 arenas for 64 threads hold 2.10 GiB resident, 96 %", 0), 0U)
      << advice.sentence;
  EXPECT_TRUE(names(advice, "heapwise try --allocators \"glibc glibc:arena_max=2\" -- COMMAND"));
  EXPECT_TRUE(names(advice, "GLIBC_TUNABLES=glibc.malloc.arena_max=2"));
  EXPECT_FALSE(is_given("many_arenas", with_arenas(34, kMega)));
  EXPECT_FALSE(is_given("many_arenas", with_arenas(2, 2150 * kMega)));
  auto chosen = with_arenas(34, 2150 * kMega);
  chosen.settings = {{"GLIBC_TUNABLES", "glibc.malloc.arena_max=40"}};
  EXPECT_FALSE(is_given("many_arenas", chosen));
  chosen.settings = {{"MALLOC_ARENA_MAX", "40"}};
  EXPECT_FALSE(is_given("many_arenas", chosen));
}

// Catches: noise, or churn seen at two unlike moments, told as growth; and shrinking.
TEST(Advice, GrowthIsSaidOverAllOfTheWatch) {
  auto inspection = calm();
  inspection.overall = Rates{.sample = {10 * kSecond}, .rss_growth_bytes = 15 << 20};
  EXPECT_TRUE(names(advice_by("grows", inspection), "grown by 15.0 MiB within 10 s"));
  EXPECT_TRUE(names(advice_by("grows", inspection), "heapwise inspect 42 --watch"));
  inspection.overall->minor_faults_per_second = 100'000;
  EXPECT_FALSE(is_given("grows", inspection)) << "it comes and goes";
  inspection.overall->minor_faults_per_second = 300;
  EXPECT_TRUE(is_given("grows", inspection));
  inspection.overall->rss_growth_bytes = 5 << 20;
  EXPECT_FALSE(is_given("grows", inspection));
  inspection.overall->rss_growth_bytes = -(15 << 20);
  EXPECT_FALSE(is_given("grows", inspection));
  inspection.overall->rss_growth_bytes = 15 << 20;
  inspection.counters.rss = {100 * kGiga};
  EXPECT_FALSE(is_given("grows", inspection)) << "a hundredth at least";
}

// Catches: a heap that is told as full of live objects, which nobody can see.
TEST(Advice, AFullHeapMayHoldFreeMemory) {
  auto inspection = calm();
  inspection.memory.of(MappingKind::kHeap) = {
      .mappings_count = 1, .vsz = {500 * kMega}, .rss = {490 * kMega}};
  EXPECT_TRUE(names(advice_by("heap_is_full", inspection), "cannot be seen from outside"));
  inspection.memory.of(MappingKind::kHeap).rss = {300 * kMega};
  EXPECT_FALSE(is_given("heap_is_full", inspection));
}

// Catches: address space of a heap told as memory.
TEST(Advice, ASparseHeapIsAddressSpace) {
  auto inspection = calm();
  inspection.memory.of(MappingKind::kHeap) = {
      .mappings_count = 1, .vsz = {500 * kMega}, .rss = {60 * kMega}};
  EXPECT_TRUE(names(advice_by("heap_is_sparse", inspection), "heap's 500 MiB only 60.0 MiB"));
  inspection.memory.of(MappingKind::kHeap).swap = {400 * kMega};
  EXPECT_FALSE(is_given("heap_is_sparse", inspection)) << "it is swapped out, not given back";
}

// Catches: other allocators' mappings told as glibc's objects.
TEST(Advice, ManyMappedObjects) {
  auto inspection = calm();
  inspection.memory.of(MappingKind::kAnonymous).mappings_count = 5'000;
  EXPECT_TRUE(names(advice_by("many_mapped_objects", inspection), "5,000 anonymous mappings"));
  inspection.malloc.allocator = "";
  EXPECT_FALSE(is_given("many_mapped_objects", inspection));
}

// Catches: a few swapped pages told as a shortage.
TEST(Advice, SwappedMemoryIsNoPartOfRss) {
  auto inspection = calm();
  inspection.counters.swap = {70 * kMega};
  EXPECT_TRUE(names(advice_by("is_swapped", inspection), "70.0 MiB of it is swapped out"));
  inspection.counters.swap = {kMega};
  EXPECT_FALSE(is_given("is_swapped", inspection));
}

// Catches: stacks put down to malloc.
TEST(Advice, StacksThatHoldMuch) {
  auto inspection = calm();
  inspection.memory.of(MappingKind::kStacks) = {.mappings_count = 800, .rss = {300 * kMega}};
  EXPECT_TRUE(names(advice_by("stacks_hold_much", inspection), "no matter of malloc"));
  inspection.memory.of(MappingKind::kStacks).rss = {10 * kMega};
  EXPECT_FALSE(is_given("stacks_hold_much", inspection));
}

// Catches: waste by huge pages told where a program has asked for them.
TEST(Advice, HugePagesEverywhereMayWaste) {
  auto inspection = calm();
  auto& heap = inspection.memory.of(MappingKind::kHeap);
  heap.transparent_huge = heap.rss = {200 * kMega};
  heap.vsz = {220 * kMega};
  EXPECT_FALSE(is_given("huge_pages_may_waste", inspection));
  inspection.surroundings.huge_pages = "always";
  EXPECT_TRUE(names(advice_by("huge_pages_may_waste", inspection), "200 MiB of its 250 MiB"));
}

// Catches: huge pages advised to a small or idle process, or to one that has them.
TEST(Advice, HugePagesMayHelpWhatIsLargeAndBusy) {
  auto inspection = calm();
  inspection.memory.of(MappingKind::kAnonymous).rss = {2 * kGiga};
  EXPECT_FALSE(is_given("huge_pages_may_help", inspection)) << "nearly idle";
  inspection.rates->user_cpu_share = 0.9;
  EXPECT_TRUE(names(advice_by("huge_pages_may_help", inspection), "glibc:hugetlb=1"));
  auto has_them = inspection;
  has_them.memory.of(MappingKind::kAnonymous).transparent_huge = {kGiga};
  EXPECT_FALSE(is_given("huge_pages_may_help", has_them));
  auto may_not = inspection;
  may_not.surroundings.process_takes_huge_pages = false;
  EXPECT_FALSE(is_given("huge_pages_may_help", may_not));
  auto asked = inspection;
  asked.settings = {{"GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"}};
  EXPECT_FALSE(is_given("huge_pages_may_help", asked));
}

// Catches: sizes with a letter, which the C library does not understand, and a cure that changes
// more.
TEST(Advice, SizesInTunablesArePlainBytes) {
  auto inspection = calm();
  inspection.settings = {
      {"GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=64M:glibc.malloc.arena_max=2"}};
  const auto advice = advice_by("tunables_have_suffix", inspection);
  EXPECT_TRUE(names(
      advice,
      "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=67108864:glibc.malloc.arena_max=2 COMMAND"));
  for (const char* well :
       {"glibc.malloc.mmap_threshold=67108864", "", "glibc.malloc.check", "a=M", "a=:"}) {
    inspection.settings = {{"GLIBC_TUNABLES", well}};
    EXPECT_FALSE(is_given("tunables_have_suffix", inspection)) << well;
  }
}

// Catches: an allocator that its owner believes to be at work.
TEST(Advice, APreloadThatIsNotThere) {
  auto inspection = calm();
  inspection.preloads_missing = {"/opt/libmine.so"};
  EXPECT_TRUE(names(advice_by("preload_is_missing", inspection), "names /opt/libmine.so"));
  EXPECT_TRUE(names(advice_by("preload_is_missing", inspection), "mine=/opt/libmine.so"));
}

// Catches: gigabytes of VSZ that frighten, and two sentences for one cause.
TEST(Advice, AddressSpaceIsNotMemory) {
  auto arenas = with_arenas(30, 10 * kMega);
  arenas.counters.vsz = {3 * kGiga};
  EXPECT_TRUE(
      names(advice_by("arenas_are_address_space", arenas), "2.00 GiB of its VSZ of 3.00 GiB"));
  EXPECT_FALSE(is_given("address_space_misleads", arenas));
  auto reserving = calm();
  reserving.counters.vsz = {70 * kGiga};
  reserving.memory.of(MappingKind::kReserved).vsz = {64 * kGiga};
  EXPECT_TRUE(
      names(advice_by("address_space_misleads", reserving), "64.0 GiB of it only reserved"));
  reserving.counters.vsz = {900 * kMega};
  EXPECT_FALSE(is_given("address_space_misleads", reserving));
}

// Catches: the memory of forked processes added up.
TEST(Advice, SharedPagesCountInEachRss) {
  auto inspection = calm();
  inspection.memory.of(MappingKind::kHeap) = {
      .vsz = {310 * kMega}, .rss = {300 * kMega}, .pss = {40 * kMega}};
  EXPECT_TRUE(names(advice_by("shares_pages", inspection), "by PSS it holds 80.0 MiB"));
}

// Catches: allocators tried for a process whose memory is not theirs.
TEST(Advice, FilesAreNoMatterOfMalloc) {
  auto inspection = calm();
  inspection.memory.of(MappingKind::kFiles) = {
      .mappings_count = 3, .vsz = {kGiga}, .rss = {900 * kMega}, .pss = {900 * kMega}};
  EXPECT_TRUE(names(advice_by("is_hardly_malloc", inspection), "only 80.0 MiB can be malloc's"));
  EXPECT_FALSE(is_given("is_hardly_malloc", calm()));
}

}  // namespace
}  // namespace heapwise

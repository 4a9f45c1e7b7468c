// The claims of questions 9, 10 and 11, judged by evidence of machines and C libraries that are not
// here.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/bench/claims/judge_told.h"

namespace heapwise {
namespace {

std::string value(const std::string& name, std::int64_t figure) {
  return "value " + name + " " + std::to_string(figure) + "\n";
}

std::string by_ps(int minor, int major) {
  return value("ps_minor_faults_count", minor) + value("ps_major_faults_count", major) +
         value("own_minor_faults_count", 1000) + value("own_major_faults_count", 16);
}

// Would catch: one of two counts that is not compared.
TEST(PageFaultClaims, PsMustShowBothCounts) {
  EXPECT_EQ(judge_told("9.1", {by_ps(1000, 16)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.1", {by_ps(1001, 16)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.1", {by_ps(1000, 0)}).holds, Holds::kNo);
}

struct Counters {
  int both_touches = 515;
  int child_first = 10;
  int meanwhile = 5;
  int after_exec = 1075;
};

std::string counters(const Counters& seen) {
  return value("pages_count", 256) + value("unmap_faults_count", 0) +
         value("both_touches_faults_count", seen.both_touches) + value("parent_first_count", 600) +
         value("child_pages_count", 1000) + value("child_first_count", seen.child_first) +
         value("child_last_count", seen.child_first + 1001) +
         value("meanwhile_faults_count", seen.meanwhile) +
         value("minor_faults_after_exec_count", seen.after_exec);
}

// Would catch: counts that begin anew, or that are handed on to a child, taken for cumulative ones.
TEST(PageFaultClaims, CountsMustBeCumulativeAndAProcesssOwn) {
  EXPECT_EQ(judge_told("9.2", {counters({})}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.2", {counters({.both_touches = 256})}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.2", {counters({.child_first = 600})}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.2", {counters({.meanwhile = 1010})}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.2", {counters({.after_exec = 75})}).holds, Holds::kNo);
}

struct ColdFile {
  int cold = 512;
  int warm = 0;
  int anonymous = 0;
  std::int64_t read_bytes = 512 * 4096;
  std::int64_t available_bytes = std::int64_t{1} << 34;
};

std::string cold_file(const ColdFile& seen) {
  return value("pages_count", 512) + value("wanted_pages_count", 512) + value("page_bytes", 4096) +
         "text folder /var/tmp\n" + value("cold_major_faults_count", seen.cold) +
         value("cold_read_bytes", seen.read_bytes) + value("cold_elapsed_ns", 50'000'000) +
         value("warm_major_faults_count", seen.warm) + value("warm_minor_faults_count", 32) +
         value("anonymous_major_faults_count", seen.anonymous) +
         value("anonymous_minor_faults_count", 512) +
         value("available_memory_bytes", seen.available_bytes);
}

// Would catch: major faults that read nothing, reading ahead, or swapping, judged like one read a
// page.
TEST(PageFaultClaims, AMajorFaultIsJudgedByWhatWasRead) {
  EXPECT_EQ(judge_told("9.3", {cold_file({})}).holds, Holds::kOnlyIf);
  EXPECT_EQ(judge_told("9.3", {cold_file({.anonymous = 512})}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.3", {cold_file({.read_bytes = 0})}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.3", {cold_file({.cold = 32})}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.3", {cold_file({.warm = 512})}).holds, Holds::kNo);
}

// Would catch: a verdict on plenty of memory from a machine that has none.
TEST(PageFaultClaims, MajorFaultsProveNoShortageOnlyWherePlentyIsFree) {
  EXPECT_EQ(judge_told("9.5", {cold_file({})}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.5", {cold_file({.cold = 0})}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.5", {cold_file({.available_bytes = 1 << 22})}).holds,
            Holds::kNotTestable);
}

/// A hundred operations on a block of a mebibyte.
std::string churn(int faults_an_operation, int system_percent = 0) {
  return value("operations_count", 100) + value("minor_faults_count", 100 * faults_an_operation) +
         value("operation_ns", 2000) + value("system_ns", system_percent * 1'000'000) +
         value("user_ns", (100 - system_percent) * 1'000'000);
}

// Would catch: a kernel whose faults are cheap, or a setting without effect, with the usual
// verdict.
TEST(PageFaultClaims, SystemTimeMustFollowTheFaults) {
  EXPECT_EQ(judge_told("9.4", {churn(256, 90), churn(0, 0)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.4", {churn(256, 10), churn(0, 0)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.4", {churn(256, 90), churn(0, 80)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.4", {churn(0, 0), churn(0, 0)}).holds, Holds::kNotTestable);
}

std::string rounds(int faults_a_round, int mapped) {
  return value("rounds_count", 10) + value("blocks_count", 1000) + value("size_bytes", 1000) +
         value("mapped_count", mapped) + value("faults_count", 10 * faults_a_round) +
         value("pinned_faults_count", 0);
}

// Would catch: faults of mapped blocks taken for those of trimming.
TEST(PageFaultClaims, OtherSourcesOfFaultsMustBeUnmapped) {
  EXPECT_EQ(judge_told("9.6", {churn(256), rounds(213, 0)}).holds, Holds::kOnlyIf);
  EXPECT_EQ(judge_told("9.6", {churn(256), rounds(213, 1000)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.6", {churn(256), rounds(0, 0)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.6", {churn(0), rounds(213, 0)}).holds, Holds::kNotTestable);
}

TEST(PageFaultClaims, TheThresholdMayCureAloneTogetherOrNot) {
  EXPECT_EQ(judge_told("9.7", {churn(256), churn(0), churn(0), churn(0)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.7", {churn(256), churn(224), churn(0), churn(224)}).holds,
            Holds::kOnlyIf);
  EXPECT_EQ(judge_told("9.7", {churn(256), churn(224), churn(224), churn(0)}).holds,
            Holds::kOnlyIf);
  EXPECT_EQ(judge_told("9.7", {churn(256), churn(224), churn(224), churn(224)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.7", {churn(0), churn(0), churn(0), churn(0)}).holds, Holds::kNotTestable);
}

TEST(PageFaultClaims, APoolMayCureOrNot) {
  const auto first = value("first_faults_count", 256);
  EXPECT_EQ(judge_told("9.8", {first + churn(0), churn(256)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("9.8", {first + churn(256), churn(256)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("9.8", {first + churn(0), churn(0)}).holds, Holds::kNotTestable);
}

std::string group(const std::string& name, int smblks, int fsmblks, int ordblks) {
  return value(name + "_smblks_count", smblks) + value(name + "_fsmblks_bytes", fsmblks) +
         value(name + "_ordblks_count", ordblks) + value(name + "_uordblks_bytes", -416);
}

// Would catch: a verdict that asks for glibc's rule instead of the claim's.
TEST(StatisticsClaims, FieldsAreJudgedByWhatIsClaimed) {
  const auto freed = value("freed_count", 20);
  EXPECT_EQ(judge_told("10.1", {freed + group("small", 13, 416, 0) + group("middle", 0, 0, 13) +
                                group("large", 0, 0, 20)})
                .holds,
            Holds::kNo);
  EXPECT_EQ(judge_told("10.1", {freed + group("small", 0, 20, 0) + group("middle", 20, 0, 0) +
                                group("large", 0, 0, 20)})
                .holds,
            Holds::kYes);
}

std::string ranges(int fast, int middle) {
  std::string told = value("largest_fast_bytes", fast) + value("largest_cached_bytes", 1032) +
                     value("cached_count", 7);
  for (int size = 8; size <= 1208; size += 16) {
    const int field = size <= fast ? 1 : size <= middle ? 2 : 3;
    told += "point counted_as " + std::to_string(size) + " " + std::to_string(field) + "\n";
  }
  return told;
}

// Would catch: ranges that are compared by halves, or missed because of the step between sizes.
TEST(StatisticsClaims, RangesAreFoundWhereTheFieldChanges) {
  EXPECT_EQ(judge_told("10.2", {ranges(80, 512)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("10.2", {ranges(120, 2000)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("10.2", {ranges(80, 2000)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("10.2", {ranges(0, 2000)}).holds, Holds::kNo);
  EXPECT_THROW(judge_told("10.2", {value("largest_fast_bytes", 0)}), MissingEvidence);
}

std::string fragments(int after, int reused) {
  return value("neighbours_count", 5000) + value("neighbours_large_bytes", 200000) +
         value("neighbours_smblks_count", 4993) + value("neighbours_smblks_after_count", after) +
         value("neighbours_reused", reused) + value("scattered_smblks_count", 0) +
         value("scattered_ordblks_count", 500) + value("scattered_free_bytes", 1000000) +
         value("scattered_large_bytes", 50000) + value("scattered_reused", 0);
}

TEST(StatisticsClaims, LargeCountsMayVanishOrStay) {
  EXPECT_EQ(judge_told("10.3", {fragments(0, 1)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("10.3", {fragments(4993, 0)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("10.3", {fragments(0, 0)}).holds, Holds::kYes);
}

std::string overflow(std::int64_t below, std::int64_t above) {
  return value("below_bytes", 1 << 30) + value("below_int_bytes", below) +
         value("above_bytes", std::int64_t{3} << 30) + value("above_int_bytes", above);
}

TEST(StatisticsClaims, FieldsMayOverflow) {
  EXPECT_EQ(judge_told("10.4", {overflow(1 << 30, std::int64_t{3} << 30)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("10.4", {overflow(1 << 30, -(1 << 30))}).holds, Holds::kNo);
}

constexpr const char* kOwn = "/lib/libc.so.6";

std::string exercise(const std::string& asked, const std::string& answered, int damaged) {
  return "text allocator " + asked + "\ntext asked_library " + asked + "\ntext malloc_library " +
         answered + "\n" + value("blocks_count", 8000) + value("failed_count", 0) +
         value("damaged_count", damaged) + value("misaligned_count", 0) +
         "text ended malloc_exercise\n";
}

// Would catch: the C library's own malloc counted as another, or one that never answered as good.
TEST(OtherAllocatorClaims, EachMustAnswerAndKeepItsBlocks) {
  const auto own = exercise("-", kOwn, 0);
  EXPECT_EQ(judge_told("11", {own, exercise("liba.so", "liba.so", 0)}).holds, Holds::kYes);
  EXPECT_EQ(judge_told("11", {own, exercise("liba.so", kOwn, 0)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("11", {own, exercise("liba.so", "liba.so", 3)}).holds, Holds::kNo);
  EXPECT_EQ(judge_told("11", {own, exercise("liba.so", "liba.so", 0), exercise("libb.so", kOwn, 0)})
                .holds,
            Holds::kOnlyIf);
  EXPECT_EQ(judge_told("11", {own}).holds, Holds::kNotTestable);
  EXPECT_EQ(judge_told("11", {own, exercise(kOwn, kOwn, 0)}).holds, Holds::kNotTestable);
}

// Would catch: a crash at load that makes the row a failure of the suite instead of a finding.
TEST(OtherAllocatorClaims, OneThatEndsTheProcessHasFailed) {
  Findings findings{Evidence::parse(exercise("-", kOwn, 0)), Evidence::parse("")};
  findings.back().signal = 11;
  const auto judgement = find_claim("11").judge(findings);
  EXPECT_EQ(judgement.holds, Holds::kNo);
  EXPECT_NE(judgement.measured.find("signal 11"), std::string::npos);
}

}  // namespace
}  // namespace heapwise

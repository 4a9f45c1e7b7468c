#include "bench/claims/mechanism_rows.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace heapwise {
namespace {

const Mechanism& mechanism(std::string_view id) {
  return *std::ranges::find(all_mechanisms(), id, &Mechanism::id);
}

/// What an allocator's experiments told: lines of bench/experiment/report.h, by the key of the run.
Told told(const std::string& key, const std::string& lines) {
  Told all;
  all.runs.emplace(key, Evidence::parse(lines));
  return all;
}

Told told_of_mapping(int own, int at_once, int own_later, int at_once_later) {
  const auto line = [](const std::string& name, int value) {
    return "value " + name + " " + std::to_string(value) + "\n";
  };
  return told("mechanism_own_mapping",
              line("largest_given_bytes", 1 << 30) + line("freed_large_bytes", 1 << 22) +
                  line("own_mapping_from_bytes", own) +
                  line("unmapped_at_once_from_bytes", at_once) +
                  line("own_mapping_from_bytes_after_free", own_later) +
                  line("unmapped_at_once_from_bytes_after_free", at_once_later));
}

std::string misuse_summary(const std::string& first, const std::string& second,
                           const std::string& third, const std::string& fourth) {
  return mechanism("misuse").summary(
      told("mechanism_misuse", "text double_free " + first + "\ntext double_free_later " + second +
                                   "\ntext interior_free " + third + "\ntext write_past_end " +
                                   fourth + "\n"));
}

// Catches an overhead that still has the object in it, and figures of another size.
TEST(MechanismRows, OverheadIsWhatAnObjectTakesBeyondItsSize) {
  const auto all = told("mechanism_overhead",
                        "point resident_bytes 16 32.04\npoint resident_bytes 100 112.4\npoint "
                        "resident_bytes 1000 1008\n");
  EXPECT_EQ(mechanism("overhead").summary(all), "16 / 12.4 / 8");
}

// Catches "none" where a cache keeps what was freed, and a threshold where there is none.
TEST(MechanismRows, AMappingOfItsOwnGoesWithItsObject) {
  const auto summary = [](int own, int at_once) {
    return mechanism("own_mapping").summary(told_of_mapping(own, at_once, own, at_once));
  };
  EXPECT_EQ(summary(131'049, 131'049), "131,049 B");
  EXPECT_EQ(summary(1 << 26, 1 << 26), "64 MiB");
  EXPECT_EQ(summary(65'537, 0), "65,537 B, cached");
  EXPECT_EQ(summary(1 << 23, (1 << 27) + 1), "8 MiB, cached below 134,217,729 B");
  EXPECT_EQ(summary(1 << 26, 1 << 22), "4 MiB, of many 64 MiB");
  EXPECT_EQ(summary(0, 5 * 1024), "5 KiB");
  EXPECT_EQ(summary(0, 0), "none up to 1 GiB");
}

// Catches a dynamic threshold that is called fixed, and the other way round.
TEST(MechanismRows, AThresholdThatMovedIsTold) {
  const auto& row = mechanism("own_mapping_after_free");
  EXPECT_EQ(row.summary(told_of_mapping(131'049, 131'049, 131'049, 131'049)), "the same");
  EXPECT_EQ(row.summary(told_of_mapping(131'049, 131'049, 4'194'281, 4'194'281)),
            "moved: 4,194,281 B");
}

// Catches shares of one use under the other's name, and 0 where nothing can be asked.
TEST(MechanismRows, GivenBackIsAtOnceIdleInUseAndAsked) {
  auto all = told("mechanism_release 64 idle",
                  "point given_back_percent 0 -0.2\npoint given_back_percent 10 5\n");
  all.runs.emplace("mechanism_release 64 ticks",
                   Evidence::parse("point given_back_percent 10 93.6\n"));
  EXPECT_EQ(mechanism("release_small").summary(all), "0 / 5 / 94 / -");
  all.runs.at("mechanism_release 64 idle") = Evidence::parse(
      "point given_back_percent 0 0\npoint given_back_percent 10 5\npoint after_release_percent 0 "
      "99.9\n");
  EXPECT_EQ(mechanism("release_small").summary(all), "0 / 5 / 94 / 100");
}

// Catches a calloc that is called cheap because its pages happen to be resident, or the reverse.
TEST(MechanismRows, CallocIsUntouchedWhereNoPageIsResident) {
  const auto summary = [](const char* fresh, const char* reused) {
    return mechanism("calloc").summary(
        told("mechanism_contents",
             std::string("value calloc_pages_count 4096\nvalue fresh_not_zero_bytes 0\n") +
                 "value reused_not_zero_bytes 0\nvalue fresh_resident_pages_count " + fresh +
                 "\nvalue reused_resident_pages_count " + reused + "\n"));
  };
  EXPECT_EQ(summary("0", "4095"), "untouched / writes");
  EXPECT_EQ(summary("1", "2048"), "untouched / writes in part");
}

// Catches memory from calloc that is not zero and is passed over.
TEST(MechanismRows, CallocThatIsNotZeroSaysSo) {
  EXPECT_EQ(mechanism("calloc").summary(
                told("mechanism_contents",
                     "value fresh_not_zero_bytes 1\nvalue reused_not_zero_bytes 0\n"
                     "value reused_resident_pages_count 0\nvalue calloc_pages_count 4096\n")),
            "not zero / untouched");
}

// Catches mistakes in another order than the heading's.
TEST(MechanismRows, MistakesStandInTheHeadingsOrder) {
  EXPECT_EQ(misuse_summary("abort", "given twice", "hang", "nothing"),
            "abort / given twice / hang / nothing");
}

// Catches a hang that is counted as well.
TEST(MechanismRows, AChildThatHangsEndsTheCount) {
  const auto& row = mechanism("fork");
  EXPECT_EQ(
      row.summary(told("mechanism_fork",
                       "value forks_count 200\nvalue children_well_count 200\ntext child well\n")),
      "200 of 200");
  EXPECT_EQ(
      row.summary(told("mechanism_fork",
                       "value forks_count 7\nvalue children_well_count 6\ntext child hang\n")),
      "hang at fork 7");
}

// Catches a figure out of nothing where the system refused the experiment something.
TEST(MechanismRows, WhatWasRefusedIsMissingEvidence) {
  EXPECT_THROW(
      mechanism("fork").summary(told("mechanism_fork", "refused pthread_create: no threads\n")),
      MissingEvidence);
  EXPECT_THROW(mechanism("fork").summary(Told{}), MissingEvidence);
}

// Catches an experiment that no row reads, or a row whose experiment is never run.
TEST(MechanismRows, TheWaysOfReleasingReachTheExperiment) {
  ResolvedAllocator allocator;
  const AllocatorDescriptor descriptor{
      .release = {
          .kind = ReleaseKind::kCommandFunction, .name = "clean", .argument = 3, .flush = "flush"}};
  for (const auto* known : {static_cast<const AllocatorDescriptor*>(nullptr), &descriptor}) {
    allocator.descriptor = known;
    const auto runs = mechanism_runs(allocator);
    const auto found = std::ranges::find(runs, "mechanism_release 4096 ticks", &MechanismRun::key);
    ASSERT_NE(found, runs.end());
    const std::vector<std::string> bare{"4096", "ticks"};
    const std::vector<std::string> asking{"4096", "ticks", "command", "clean", "3", "flush"};
    EXPECT_EQ(found->request.arguments, known == nullptr ? bare : asking);
    EXPECT_TRUE(found->sleeps);
  }
}

// Catches two rows under one name, and a table that outgrows its page.
TEST(MechanismRows, AreFewAndDistinct) {
  std::vector<std::string_view> ids;
  for (const auto& row : all_mechanisms()) {
    EXPECT_FALSE(row.title.empty() || row.how.empty() || row.lines.empty()) << row.id;
    ids.push_back(row.id);
  }
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
  EXPECT_LE(ids.size(), 14U);
}

}  // namespace
}  // namespace heapwise

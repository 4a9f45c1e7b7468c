#include "bench/run/witness.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

constexpr const char* kJemalloc = "/opt/libjemalloc.so.2";
constexpr std::int64_t kCommand = 100;

WitnessLine line(std::int64_t pid, const char* library, bool executable = false) {
  return {.pid = pid,
          .library_path = library,
          .build_id = "",
          .answers_in_executable = executable,
          .executable = "/usr/bin/program",
          .json = {}};
}

// Catches a run that is taken for jemalloc's although nothing proves it.
TEST(Witness, NoLineOfTheCommandIsNoProof) {
  EXPECT_FALSE(judge_witness({}, kCommand, {kJemalloc, ""}).seen);
  EXPECT_FALSE(judge_witness({line(101, kJemalloc)}, kCommand, {kJemalloc, ""}).seen);
}

// Catches another library that answers malloc.
TEST(Witness, AnotherLibraryIsAContradiction) {
  const auto verdict = judge_witness({line(kCommand, "/lib/libc.so.6")}, kCommand, {kJemalloc, ""});
  EXPECT_NE(verdict.contradiction.find("/lib/libc.so.6"), std::string::npos);
}

// Catches a program that was linked with a malloc of its own, which no preload replaces.
TEST(Witness, AnAnswerInTheExecutableIsAContradiction) {
  const auto verdict = judge_witness({line(kCommand, kJemalloc, true)}, kCommand, {kJemalloc, ""});
  EXPECT_NE(verdict.contradiction.find("own malloc"), std::string::npos);
}

// Catches a wrapper script's allocator that is taken for the program's: the last image counts.
TEST(Witness, OfAProcessThatExecsTheLastImageCounts) {
  const auto good = judge_witness({line(kCommand, "/lib/libc.so.6"), line(kCommand, kJemalloc)},
                                  kCommand, {kJemalloc, ""});
  EXPECT_TRUE(good.contradiction.empty());
  const auto bad = judge_witness({line(kCommand, kJemalloc), line(kCommand, "/lib/libc.so.6")},
                                 kCommand, {kJemalloc, ""});
  EXPECT_FALSE(bad.contradiction.empty());
}

// Catches child processes that silently ran on something else.
TEST(Witness, ChildrenOnAnotherAllocatorAreRemarked) {
  const auto verdict = judge_witness({line(kCommand, kJemalloc), line(101, "/lib/libc.so.6")},
                                     kCommand, {kJemalloc, ""});
  EXPECT_TRUE(verdict.contradiction.empty());
  EXPECT_EQ(verdict.remark, "1 of 1 child processes ran on another allocator");
}

// Catches as_linked being held to a library.
TEST(Witness, AsLinkedAcceptsWhateverAnswers) {
  EXPECT_TRUE(judge_witness({line(kCommand, "", true)}, kCommand, {}).contradiction.empty());
}

// Catches one torn line that hides all others.
TEST(Witness, LinesThatAreNoJsonAreSkipped) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("w"))
      << "{\"pid\":1,\"answers\":\"library\"}\n{\"pid\":\n{\"pid\":2}\n";
  EXPECT_EQ(read_witness_lines(folder.file("w")).size(), 2U);
  EXPECT_TRUE(read_witness_lines(folder.file("none")).empty());
}

}  // namespace
}  // namespace heapwise

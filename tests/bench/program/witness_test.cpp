#include "bench/program/witness.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

constexpr const char* kJemalloc = "/opt/libjemalloc.so.2";
constexpr std::int64_t kCommand = 100;
/// Too short to be looked at: the command's own process decides.
const SeenProcesses kUnseen{.command = kCommand};

SeenProcesses seen(std::int64_t largest, const char* executable) {
  return {.command = kCommand,
          .largest = largest,
          .largest_executable = executable,
          .executables = {executable}};
}

WitnessLine line(std::int64_t pid, const char* library, bool executable = false) {
  return {.pid = pid,
          .library_path = library,
          .build_id = "",
          .answers_in_executable = executable,
          .executable = "/usr/bin/program",
          .json = {}};
}

WitnessLine line_of(std::int64_t pid, const char* library, const char* program) {
  auto result = line(pid, library);
  result.executable = program;
  return result;
}

// Catches a run that is taken for jemalloc's although nothing proves it.
TEST(Witness, NoLineOfTheCommandIsNoProof) {
  EXPECT_FALSE(judge_witness({}, kUnseen, {kJemalloc, ""}).decisive);
  EXPECT_FALSE(judge_witness({line(101, kJemalloc)}, kUnseen, {kJemalloc, ""}).decisive);
}

// Catches another library that answers malloc.
TEST(Witness, AnotherLibraryIsAContradiction) {
  const auto verdict = judge_witness({line(kCommand, "/lib/libc.so.6")}, kUnseen, {kJemalloc, ""});
  EXPECT_NE(verdict.contradiction.find("/lib/libc.so.6"), std::string::npos);
}

// Catches a program that was linked with a malloc of its own, which no preload replaces.
TEST(Witness, AnAnswerInTheExecutableIsAContradiction) {
  const auto verdict = judge_witness({line(kCommand, kJemalloc, true)}, kUnseen, {kJemalloc, ""});
  EXPECT_NE(verdict.contradiction.find("own malloc"), std::string::npos);
}

// Catches a wrapper script's allocator that is taken for the program's: the last image counts.
TEST(Witness, OfAProcessThatExecsTheLastImageCounts) {
  const auto good = judge_witness({line(kCommand, "/lib/libc.so.6"), line(kCommand, kJemalloc)},
                                  kUnseen, {kJemalloc, ""});
  EXPECT_TRUE(good.contradiction.empty());
  const auto bad = judge_witness({line(kCommand, kJemalloc), line(kCommand, "/lib/libc.so.6")},
                                 kUnseen, {kJemalloc, ""});
  EXPECT_FALSE(bad.contradiction.empty());
}

// Catches child processes that silently ran on something else.
TEST(Witness, ChildrenOnAnotherAllocatorAreRemarked) {
  const auto verdict = judge_witness({line(kCommand, kJemalloc), line(101, "/lib/libc.so.6")},
                                     kUnseen, {kJemalloc, ""});
  EXPECT_TRUE(verdict.contradiction.empty());
  ASSERT_EQ(verdict.remarks.size(), 1U);
  EXPECT_EQ(verdict.remarks[0], "1 of 1 child processes ran on another allocator");
}

// Catches a shell's allocator that is taken for that of the program it started.
TEST(Witness, TheLargestProcessThatWasSeenDecides) {
  const std::vector<WitnessLine> lines{line_of(kCommand, kJemalloc, "/bin/sh"),
                                       line_of(101, "/lib/libc.so.6", "/usr/bin/server")};
  const auto verdict = judge_witness(lines, seen(101, "/usr/bin/server"), {kJemalloc, ""});
  EXPECT_NE(verdict.contradiction.find("/lib/libc.so.6"), std::string::npos);
  EXPECT_TRUE(
      judge_witness(lines, seen(kCommand, "/bin/sh"), {kJemalloc, ""}).contradiction.empty());
}

// Catches a static program behind a shell, compared with itself under seven names.
TEST(Witness, AStaticProgramBehindAShellIsUnproven) {
  const auto verdict = judge_witness({line_of(kCommand, kJemalloc, "/bin/sh")},
                                     seen(101, "/opt/static"), {kJemalloc, ""});
  EXPECT_FALSE(verdict.decisive);
  EXPECT_EQ(verdict.unproven, "/opt/static");
  // Also where it took the shell's place in the same process.
  EXPECT_FALSE(judge_witness({line_of(kCommand, kJemalloc, "/bin/sh")},
                             seen(kCommand, "/opt/static"), {kJemalloc, ""})
                   .decisive);
}

// Catches servers with worker processes being called unproven: a fork keeps its parent's allocator.
TEST(Witness, AForkedProcessIsProvenByItsExecutable) {
  const auto verdict = judge_witness({line_of(kCommand, kJemalloc, "/usr/sbin/server")},
                                     seen(177, "/usr/sbin/server"), {kJemalloc, ""});
  ASSERT_TRUE(verdict.decisive);
  EXPECT_TRUE(verdict.contradiction.empty());
}

// Catches a helper program that silently ran on its own allocator.
TEST(Witness, ProcessesWithoutProofAreRemarked) {
  auto processes = seen(kCommand, "/usr/bin/program");
  processes.executables.emplace_back("/opt/static-helper");
  const auto verdict = judge_witness({line(kCommand, kJemalloc)}, processes, {kJemalloc, ""});
  ASSERT_EQ(verdict.remarks.size(), 1U);
  EXPECT_NE(verdict.remarks[0].find("/opt/static-helper"), std::string::npos);
}

// Catches as_linked being held to a library.
TEST(Witness, AsLinkedAcceptsWhateverAnswers) {
  EXPECT_TRUE(judge_witness({line(kCommand, "", true)}, kUnseen, {}).contradiction.empty());
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

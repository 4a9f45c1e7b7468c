// The witness: every record says which allocator answered because the process itself said so. What
// it gets wrong turns a comparison of allocators into a comparison of glibc with glibc.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/preload/malloc_provider.h"
#include "tests/bench/launch/launched.h"
#include "tests/bench/launch/scratch_folder.h"
#include "tests/bench/preload/installed_allocators.h"

namespace heapwise {
namespace {

using nlohmann::json;

constexpr char kDebianPython[] = "/usr/bin/python3";

// One command under the witness, and what the witness wrote.
class Testimony {
 public:
  explicit Testimony(const std::vector<std::string>& command, const std::string& preloaded = "") {
    const ScratchFolder scratch;
    const std::string behind = preloaded.empty() ? "" : ":" + preloaded;
    result_ = run_launched({.command = command,
                            .environment = {"LD_PRELOAD=" HEAPWISE_WITNESS + behind,
                                            "HEAPWISE_WITNESS_FILE=" + scratch.file("witness")}});
    std::ifstream file(scratch.file("witness"));
    for (std::string line; std::getline(file, line);) lines_.push_back(json::parse(line));
  }

  const LaunchResult& result() const { return result_; }
  const std::vector<json>& lines() const { return lines_; }
  json last() const { return lines_.empty() ? json::object() : lines_.back(); }

 private:
  LaunchResult result_;
  std::vector<json> lines_;
};

std::string canonical(const std::string& path) {
  return std::filesystem::canonical(path);
}

class Witness : public InstalledAllocator {
 protected:
  void expect_library(const json& line) const {
    EXPECT_EQ(line.value("library_path", ""), canonical(library_path())) << line;
    EXPECT_EQ(line.value("answers", ""), "library");
    EXPECT_EQ(line.value("build_id", "none"), build_id());
  }
};

// Catches: the allocator that is not there: LD_PRELOAD of something that was not loaded.
TEST_P(Witness, NamesTheLibraryThatAnswers) {
  const Testimony testimony({"/bin/true"}, library_path());
  ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
  ASSERT_EQ(testimony.lines().size(), 1U);
  expect_library(testimony.last());
  EXPECT_EQ(testimony.last().value("executable", ""), canonical("/bin/true"));
  EXPECT_EQ(testimony.last().value("pid", 0), testimony.result().report.command_pid);
}

// Catches: a non-PIE program's PLT entry taken for a malloc of the program's own.
TEST_P(Witness, IsNotMisledByTheProcedureLinkageTableOfANonPieProgram) {
  const Testimony testimony({HEAPWISE_NON_PIE_PROGRAM}, library_path());
  ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
  expect_library(testimony.last());
}

// Catches: the same in the wild.
TEST_P(Witness, IsRightAboutDebiansPython) {
  if (!std::filesystem::exists(kDebianPython)) GTEST_SKIP() << "no " << kDebianPython << " here";
  const Testimony testimony({kDebianPython, "-c", "print(len('x' * 100000))"}, library_path());
  ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
  expect_library(testimony.last());
}

// Catches: the counting shim reported as the allocator of every checked run.
TEST_P(Witness, LooksThroughTheCountingShim) {
  const Testimony testimony({"/bin/true"}, HEAPWISE_COUNT ":" + library_path());
  ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
  expect_library(testimony.last());
}

// Catches: the same of the library that keeps account of malloc's memory.
TEST_P(Witness, LooksThroughTheShareLibrary) {
  const Testimony testimony({"/bin/true"}, HEAPWISE_SHARE ":" + library_path());
  ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
  expect_library(testimony.last());
}

INSTANTIATE_TEST_SUITE_P(Under, Witness, testing::ValuesIn(allocators_to_test()),
                         name_of_parameter);

// Catches: figures of a program's own allocator under the name of the one that was asked for.
TEST(WitnessOfPrograms, AMallocInTheExecutableIsTheExecutables) {
  const Testimony testimony({HEAPWISE_OWN_MALLOC_PROGRAM}, HEAPWISE_COUNT);
  ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
  EXPECT_EQ(testimony.last().value("answers", ""), "executable");
  EXPECT_EQ(testimony.last().value("library_path", ""), canonical(HEAPWISE_OWN_MALLOC_PROGRAM));
}

// Catches: a program that brings its own allocator library reported as running on glibc.
TEST(WitnessOfPrograms, AnAllocatorThatTheProgramLinksIsNamed) {
#ifdef HEAPWISE_LINKED_ALLOCATOR_PROGRAM
  const Testimony testimony({HEAPWISE_LINKED_ALLOCATOR_PROGRAM});
  ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
  EXPECT_EQ(testimony.last().value("library_path", ""), canonical(HEAPWISE_LINKED_ALLOCATOR));
  EXPECT_EQ(testimony.last().value("answers", ""), "library");
#else
  GTEST_SKIP() << "no allocator library to link with was found when this was built";
#endif
}

// Catches: a definition of malloc that is overlooked because its hash table is of the older kind.
TEST(WitnessOfPrograms, FindsADefinitionThroughASystemVHashTable) {
  const Testimony testimony({HEAPWISE_NON_PIE_PROGRAM}, HEAPWISE_SYSTEM_V_HASH_LIBRARY);
  ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
  EXPECT_EQ(testimony.last().value("library_path", ""), canonical(HEAPWISE_SYSTEM_V_HASH_LIBRARY));
}

// Catches: children of the command that run on another allocator, unseen.
TEST(WitnessOfTrees, EveryExecOfATreeTestifies) {
  const Testimony testimony({"sh", "-c", "/bin/true; /bin/true; exec /bin/true"});
  ASSERT_TRUE(testimony.result().exited_with(0));
  ASSERT_EQ(testimony.lines().size(), 4U);
  const auto command = testimony.result().report.command_pid;
  EXPECT_EQ(testimony.lines()[0].value("pid", 0), command);
  EXPECT_EQ(testimony.lines()[1].value("parent_pid", 0), command);
  EXPECT_EQ(testimony.lines()[2].value("parent_pid", 0), command);
  EXPECT_EQ(testimony.lines()[3].value("pid", 0), command);
  EXPECT_NE(testimony.lines()[0].value("executable", ""),
            testimony.lines()[3].value("executable", ""));
}

// Catches: lines of processes that start at the same moment and spoil each other.
TEST(WitnessOfTrees, LinesOfManyProcessesDoNotMix) {
  const Testimony testimony(
      {"sh", "-c", "for i in $(seq 50); do /bin/true & /bin/true & done; wait"});
  ASSERT_TRUE(testimony.result().exited_with(0));
  std::map<int, int> lines_of_process;
  for (const auto& line : testimony.lines()) ++lines_of_process[line.value("pid", 0)];
  EXPECT_EQ(lines_of_process.size(), 102U);  // sh, seq, 100 times true
}

// Catches: a witness that changes what it is to testify about.
TEST(WitnessInSilence, WithoutItsVariableItDoesAndSaysNothing) {
  const LaunchResult result =
      run_launched({.command = {"sh", "-c", "echo text; exit 5"},
                    .environment = {"LD_PRELOAD=" HEAPWISE_WITNESS, "HEAPWISE_WITNESS_FILE="}});
  EXPECT_TRUE(result.exited_with(5));
  EXPECT_EQ(result.output, "text\n");
}

// Catches: a full or read-only disk that fails the user's program.
TEST(WitnessInSilence, AFileThatCannotBeWrittenIsNotTheProgramsProblem) {
  const LaunchResult result = run_launched(
      {.command = {"sh", "-c", "echo text; exit 5"},
       .environment = {"LD_PRELOAD=" HEAPWISE_WITNESS, "HEAPWISE_WITNESS_FILE=/no/such/place"}});
  EXPECT_TRUE(result.exited_with(5));
  EXPECT_EQ(result.output, "text\n");
}

// Catches: one strange path that makes a whole file unreadable.
TEST(WitnessOfPrograms, StrangePathsAreStillJson) {
  const ScratchFolder scratch;
  const std::map<std::string, std::string> cases{
      {"quote\" back\\slash", "quote\" back\\slash"},
      {"line\nbreak\ttab\x01", "line\nbreak\ttab\x01"},
      {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7"},
      {"not \xff utf \xc3", "not \xef\xbf\xbd utf \xef\xbf\xbd"},
      {"over\xc0\xaflong \xed\xa0\x80",
       "over\xef\xbf\xbd\xef\xbf\xbdlong \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const auto& [name, expected] : cases) {
    const std::string program = scratch.file(name);
    std::filesystem::copy_file(HEAPWISE_NON_PIE_PROGRAM, program);
    const Testimony testimony({program});
    ASSERT_TRUE(testimony.result().exited_with(0)) << testimony.result().output;
    EXPECT_EQ(testimony.last().value("executable", ""),
              canonical(scratch.path().string()) + "/" + expected);
  }
}

// Catches: a worker that identifies itself by other rules than the witness.
TEST(MallocProviderInProcess, IsTheObjectThatTheLinkerNames) {
  MallocProvider provider;
  ASSERT_TRUE(find_malloc_provider(provider));
  Dl_info info{};
  ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info), 0);
  EXPECT_EQ(std::string(provider.path), canonical(info.dli_fname));
  EXPECT_EQ(provider.base, reinterpret_cast<std::uintptr_t>(info.dli_fbase));
  EXPECT_FALSE(provider.in_executable);
}

// Catches: a program whose behaviour changes because a constructor disturbed errno.
TEST(MallocProviderInProcess, KeepsErrno) {
  MallocProvider provider;
  errno = EDOM;
  ASSERT_TRUE(find_malloc_provider(provider));
  EXPECT_EQ(errno, EDOM);
}

}  // namespace
}  // namespace heapwise

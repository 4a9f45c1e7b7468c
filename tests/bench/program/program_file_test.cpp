#include "bench/program/program_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

// Catches a command that is looked for in the wrong place.
TEST(ProgramFile, ABareNameIsFoundOnPathAndAPathIsItself) {
  const auto shell = find_program("sh");
  ASSERT_TRUE(shell.has_value());
  EXPECT_EQ(find_program(*shell), shell);
  EXPECT_FALSE(find_program("no-such-program-anywhere").has_value());
  EXPECT_FALSE(find_program("/etc/passwd").has_value());
}

// Catches a dynamic program that is called static.
TEST(ProgramFile, AnOrdinaryProgramAndAScriptArePreloadable) {
  EXPECT_EQ(why_not_preloadable("/bin/sh"), "");
  const TemporaryFolder folder;
  std::ofstream(folder.file("script")) << "#!/bin/sh\n";
  EXPECT_EQ(why_not_preloadable(folder.file("script")), "");
}

// Catches the advice to look elsewhere for a set-uid program of somebody else.
TEST(ProgramFile, ASetUidProgramOfAnotherUserIsNamed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make one";
  const TemporaryFolder folder;
  const auto program = folder.file("program");
  std::ofstream(program) << "x";
  ASSERT_EQ(chown(program.c_str(), 1, 1), 0);
  ASSERT_EQ(chmod(program.c_str(), 04755), 0);
  EXPECT_NE(why_not_preloadable(program).find("set-uid"), std::string::npos);
}

}  // namespace
}  // namespace heapwise

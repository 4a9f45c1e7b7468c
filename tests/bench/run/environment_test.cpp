#include "bench/run/environment.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <string>

#include "allocators/elf_library.h"

namespace heapwise {
namespace {

/// The file that holds a symbol, as the dynamic loader says.
std::string file_of(const char* symbol) {
  Dl_info found{};
  if (dladdr(dlsym(RTLD_DEFAULT, symbol), &found) == 0) return {};
  return found.dli_fname;
}

// Catches a result that says nothing of the libraries it was measured on, or the wrong ones.
TEST(Environment, ItNamesTheBuildsOfTheRuntimeLibrariesThatAreLoaded) {
  const auto libraries = read_environment().at("libraries");
  const auto libc = inspect_elf_library(file_of("getpid"));
  const auto libstdcxx = inspect_elf_library(file_of("_ZSt9terminatev"));
  ASSERT_FALSE(libc.build_id.empty() || libstdcxx.build_id.empty());
  EXPECT_EQ(libraries.at("libc.so.6"), libc.build_id);
  EXPECT_EQ(libraries.at("libstdc++.so.6"), libstdcxx.build_id);
  EXPECT_EQ(libraries.size(), 2U);
}

// Catches counts of two processor architectures that are compared.
TEST(Environment, ItNamesTheInstructionSet) {
  utsname system{};
  ASSERT_EQ(uname(&system), 0);
  EXPECT_EQ(read_environment().at("isa"), system.machine);
}

}  // namespace
}  // namespace heapwise

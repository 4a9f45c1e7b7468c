#include "allocators/elf_library.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace heapwise {
namespace {

// Catches: a program's import of malloc taken for a malloc of its own, or a program refused because
// it is no library.
TEST(ElfLibrary, ProgramsMayExportAMallocToo) {
  EXPECT_TRUE(exports_malloc(HEAPWISE_OWN_MALLOC_PROGRAM));
  EXPECT_FALSE(exports_malloc(HEAPWISE_IDENTITY_PROGRAM));
  EXPECT_FALSE(inspect_elf_library(HEAPWISE_OWN_MALLOC_PROGRAM).problem.empty());
}

// Catches: a library without one.
TEST(ElfLibrary, LibrariesThatExportOneAreFound) {
  EXPECT_TRUE(exports_malloc(HEAPWISE_FAKE_JEMALLOC));
  EXPECT_FALSE(exports_malloc(HEAPWISE_WITNESS));
}

// Catches: a crash on what is no program at all.
TEST(ElfLibrary, WhatIsNoElfFileExportsNothing) {
  const auto text = testing::TempDir() + "elf_library_test.txt";
  std::ofstream(text) << "malloc";
  EXPECT_FALSE(exports_malloc(text));
  EXPECT_FALSE(exports_malloc("/nonexistent"));
  EXPECT_FALSE(exports_malloc("/proc/self"));
  std::remove(text.c_str());
}

}  // namespace
}  // namespace heapwise

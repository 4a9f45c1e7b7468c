#include "bench/inspect/answering_malloc.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/bench/inspect/smaps_text.h"

namespace heapwise {
namespace {

const std::string kProgram = "/opt/service";
const std::string kLibc = "/usr/lib/x86_64-linux-gnu/libc.so.6";
const std::string kLoader = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
const std::string kJemalloc = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
const std::string kOwn = "/opt/libown.so";

AnsweringMalloc find(std::vector<std::string> files, const std::set<std::string>& exporting,
                     const std::vector<std::string>& preloaded = {}) {
  files.insert(files.begin(), kProgram);
  return find_answering_malloc(files, kProgram, preloaded,
                               [&](const std::string& path) { return exporting.contains(path); });
}

// Catches: the loader's private malloc, or a library without one, told as what answers.
TEST(AnsweringMalloc, WithoutAnotherItIsTheCLibrarys) {
  const auto found = find({"/lib/libz.so.1", kLibc, kLoader}, {kLibc, kLoader});
  EXPECT_EQ(found.origin, MallocOrigin::kCLibrary);
  EXPECT_EQ(found.allocator, "glibc");
  EXPECT_EQ(found.library_path, kLibc);
  EXPECT_TRUE(found.is_glibc());
}

// Catches: a preloaded allocator that is overlooked for the C library behind it.
TEST(AnsweringMalloc, WhatIsPreloadedComesFirst) {
  const auto found = find({kJemalloc, kOwn, kLibc}, {kJemalloc, kOwn, kLibc}, {kOwn, kJemalloc});
  EXPECT_EQ(found.origin, MallocOrigin::kPreloaded);
  EXPECT_EQ(found.library_path, kOwn);
  EXPECT_EQ(found.allocator, "");
  EXPECT_FALSE(found.is_glibc());
}

// Catches: a preloaded library that exports no malloc taken for an allocator.
TEST(AnsweringMalloc, WhatIsPreloadedWithoutAMallocIsPassedOver) {
  const auto found = find({kOwn, kLibc}, {kLibc}, {kOwn});
  EXPECT_EQ(found.origin, MallocOrigin::kCLibrary);
}

// Catches: the C library of a program that links another malloc, preloaded to have it answer.
TEST(AnsweringMalloc, ThePreloadedCLibraryGoesBeforeALinkedAllocator) {
  const auto found = find({kJemalloc, kLibc}, {kJemalloc, kLibc}, {kLibc});
  EXPECT_EQ(found.origin, MallocOrigin::kPreloaded);
  EXPECT_TRUE(found.is_glibc());
}

// Catches: a linked allocator that is overlooked; of two, the one that is known as such.
TEST(AnsweringMalloc, LinkedLibrariesGoBeforeTheCLibrary) {
  const auto found = find({kOwn, kJemalloc, kLibc}, {kOwn, kJemalloc, kLibc});
  EXPECT_EQ(found.origin, MallocOrigin::kLibrary);
  EXPECT_EQ(found.allocator, "jemalloc");
}

// Catches: a program with a malloc of its own whose settings would be looked for in a library.
TEST(AnsweringMalloc, TheProgramsOwnGoesBeforeAll) {
  const auto found = find({kJemalloc, kLibc}, {kProgram, kJemalloc, kLibc}, {kJemalloc});
  EXPECT_EQ(found.origin, MallocOrigin::kProgram);
  EXPECT_EQ(found.allocator, "");
}

// Catches: a static program told as running on this machine's C library.
TEST(AnsweringMalloc, WithoutACLibraryItIsUnknown) {
  const auto found = find({}, {});
  EXPECT_EQ(found.origin, MallocOrigin::kUnknown);
  EXPECT_EQ(found.library_path, "");
  EXPECT_EQ(find({"/lib/ld-musl-x86_64.so.1"}, {}).origin, MallocOrigin::kCLibrary);
  EXPECT_FALSE(find({"/lib/ld-musl-x86_64.so.1"}, {}).is_glibc());
}

// Catches: data files looked through for symbols, and files looked at once for each mapping.
TEST(AnsweringMalloc, OnlyFilesWithCodeAreLookedAtAndOnce) {
  SmapsText text;
  text.add(0x1000, kMega, "r--p", kOwn).add(0x200000, kMega, "r-xp", kOwn);
  text.add(0x400000, kMega, "r-xp", kOwn).add(0x600000, kMega, "r--p", "/data");
  text.add(0x800000, kMega, "r-xp", "[vdso]").add(0xa00000, kMega, "rwxp");
  EXPECT_EQ(code_files(text.mappings()), std::vector{kOwn});
}

// Catches: LD_PRELOAD split at one of its two separators only.
TEST(AnsweringMalloc, LibrariesAreParsedAsTheLoaderDoes) {
  EXPECT_EQ(preloaded_libraries("/a.so:/b.so /c.so"),
            (std::vector<std::string>{"/a.so", "/b.so", "/c.so"}));
  EXPECT_EQ(preloaded_libraries(" :/a.so: "), std::vector<std::string>{"/a.so"});
  EXPECT_TRUE(preloaded_libraries("").empty());
}

// Catches: a preloaded link that is told as missing because the kernel names the file behind it.
TEST(AnsweringMalloc, ALinkIsTheSameLibrary) {
  EXPECT_TRUE(is_same_library(kJemalloc, kJemalloc));
  EXPECT_TRUE(is_same_library("libjemalloc.so.2", kJemalloc));
  EXPECT_TRUE(is_same_library("/usr/lib/libjemalloc.so", kJemalloc));
  EXPECT_FALSE(is_same_library("/opt/libmine.so", kJemalloc));
}

// Catches: secrets of the environment that are printed, and settings that are not.
TEST(MallocSettings, AreWhatAllocatorsReadAndNothingElse) {
  using namespace std::string_literals;
  const auto settings = malloc_settings(
      "HOME=/root\0GLIBC_TUNABLES=glibc.malloc.arena_max=2:a=b\0PASSWORD=x\0"
      "MALLOC_ARENA_MAX=1\0LD_PRELOAD=/a.so\0MIMALLOC_X\0broken"s);
  ASSERT_EQ(settings.size(), 3U);
  EXPECT_EQ(settings[0], (KeyValue{"GLIBC_TUNABLES", "glibc.malloc.arena_max=2:a=b"}));
  EXPECT_EQ(*find_setting(settings, "MALLOC_ARENA_MAX"), "1");
  EXPECT_EQ(find_setting(settings, "PASSWORD"), nullptr);
  EXPECT_TRUE(malloc_settings("").empty());
}

}  // namespace
}  // namespace heapwise

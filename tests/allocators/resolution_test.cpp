// Specs against this machine: what cannot work must be said at once, and how to put it right.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/allocators/allocator_process.h"

namespace heapwise {
namespace {

std::string error_of(const std::string& spec) {
  try {
    resolve_text(spec);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

std::string variable_of(const std::string& spec, const std::string& name) {
  for (const auto& [key, value] : resolve_text(spec).environment) {
    if (key == name) return value;
  }
  return "not set";
}

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

/// A file that lives as long as the test.
class TestFile {
 public:
  TestFile(const std::string& name, const std::string& content)
      : directory_(std::filesystem::path(testing::TempDir()) /
                   ("heapwise_resolution_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(directory_);
    std::ofstream(path(name)) << content;
    path_ = path(name);
  }
  ~TestFile() { std::filesystem::remove_all(directory_); }
  const std::string& path() const { return path_; }

 private:
  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  std::filesystem::path directory_;
  std::string path_;
};

// Would catch: a misspelt allocator measured as the C library's malloc.
TEST(Resolution, SaysWhichAllocatorWasProbablyMeant) {
  const auto error = error_of("jemaloc");
  EXPECT_HAS(error, "unknown allocator 'jemaloc' (did you mean 'jemalloc'?)");
  EXPECT_HAS(error, "glibc, refmalloc, jemalloc, tcmalloc");
  EXPECT_HAS(error, "jemaloc=./libjemaloc.so");
}

// Would catch: a misspelt key dropped in silence, as allocators themselves do.
TEST(Resolution, SaysWhichSettingWasProbablyMeant) {
  const auto error = error_of("glibc:mmap_treshold=1M");
  EXPECT_HAS(error, "glibc has no setting 'mmap_treshold' (did you mean 'mmap_threshold'?)");
  EXPECT_HAS(error, "it has mmap_threshold, trim_threshold, top_pad");
}

// Would catch: 128K reaching glibc, which reads it as 128 bytes.
TEST(Resolution, HandsSizesOnAsPlainBytes) {
  EXPECT_EQ(variable_of("glibc:mmap_threshold=128K,trim_threshold=1G", "GLIBC_TUNABLES"),
            "glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=1073741824");
}

// Would catch: a flag spelt as one allocator wants it handed to another.
TEST(Resolution, SpellsEachSettingAsItsAllocatorReadsIt) {
  EXPECT_EQ(variable_of("jemalloc:narenas=4,background_thread=on,dirty_decay_ms=-1", "MALLOC_CONF"),
            "narenas:4,background_thread:true,dirty_decay_ms:-1");
  EXPECT_EQ(variable_of("tcmalloc:aggressive_decommit=yes", "TCMALLOC_AGGRESSIVE_DECOMMIT"), "1");
  EXPECT_EQ(variable_of("tcmalloc:release_rate=2.50", "TCMALLOC_RELEASE_RATE"), "2.5");
  EXPECT_EQ(variable_of("mimalloc:page_reset=false", "MIMALLOC_PAGE_RESET"), "0");
  EXPECT_EQ(variable_of("tbbmalloc:huge_size_threshold=4M", "TBB_MALLOC_SET_HUGE_SIZE_THRESHOLD"),
            "4194304");
  EXPECT_EQ(variable_of("scudo:quarantine_size_kb=256,zero_contents=1", "SCUDO_OPTIONS"),
            "quarantine_size_kb=256:zero_contents=1");
  EXPECT_EQ(variable_of("refmalloc:mmap_threshold=1M,arenas=2", "REFMALLOC_CONF"),
            "mmap_threshold=1048576,arenas=2");
}

// Would catch: a value of the wrong kind becoming 0 on its way to the allocator.
TEST(Resolution, RefusesValuesThatAreNotOfTheUnit) {
  EXPECT_HAS(error_of("glibc:mmap_threshold=128Q"),
             "glibc: mmap_threshold=128Q is not in bytes; give a size in bytes, such as 131072 or "
             "128K, of at least 0");
  EXPECT_HAS(error_of("glibc:mmap_threshold=-1"), "is not in bytes");
  EXPECT_HAS(error_of("glibc:arena_max=two"), "is not in count; give a whole number");
  EXPECT_HAS(error_of("jemalloc:dirty_decay_ms=1K"), "is not in milliseconds");
  EXPECT_HAS(error_of("jemalloc:dirty_decay_ms=-K"), "is not in milliseconds");
  EXPECT_HAS(error_of("jemalloc:background_thread=maybe"), "is not a flag; give 1 or 0");
  EXPECT_HAS(error_of("jemalloc:thp=maybe"), "give one of default, always, never");
  EXPECT_HAS(error_of("tcmalloc:release_rate=fast"),
             "is not a number; give a number from 0 to 1000");
  EXPECT_HAS(error_of("tcmalloc:release_rate=nan"), "is not a number");
}

// Would catch: a number the carrier cannot express, cut off on its way.
TEST(Resolution, RefusesValuesOutOfRange) {
  EXPECT_HAS(error_of("glibc:perturb=256"), "is out of range; give a whole number from 0 to 255");
  EXPECT_HAS(error_of("glibc:arena_max=0"), "is out of range; give a whole number of at least 1");
  EXPECT_HAS(error_of("jemalloc:dirty_decay_ms=-2"), "is out of range; give whole milliseconds");
  EXPECT_HAS(error_of("tcmalloc:release_rate=1001"), "is out of range");
}

// Would catch: a mistyped path preloaded, which the loader answers with one ignored line.
TEST(Resolution, RefusesAPathThatDoesNotExist) {
  EXPECT_HAS(error_of("mine=./no_such_library.so"),
             "cannot find './no_such_library.so': No such file or directory");
}

// Would catch: files that the loader skips, so that the C library answers under another's name.
TEST(Resolution, RefusesFilesThatAreNoSharedLibrary) {
  const TestFile text("libtext.so", "INPUT(libreal.so)\n");
  EXPECT_HAS(error_of("mine=" + text.path()), "it is not an ELF file");
  const TestFile archive("libarchive.so", "!<arch>\nsome objects\n");
  EXPECT_HAS(error_of("mine=" + archive.path()), "it is an archive of objects");
  const TestFile empty("libempty.so", "");
  EXPECT_HAS(error_of("mine=" + empty.path()), "it is not an ELF file");
  const TestFile torn("libtorn.so", "\177ELF");
  EXPECT_HAS(error_of("mine=" + torn.path()), "it is cut short");
  EXPECT_HAS(error_of("mine=/proc/self/exe"), "it is a program, not a shared library");
  EXPECT_HAS(error_of("mine=" + testing::TempDir()), "it is not a file");
}

// Would catch: a library without malloc, under which the C library's would be measured.
TEST(Resolution, RefusesALibraryThatDefinesNoMalloc) {
  const auto error = error_of("mine=" HEAPWISE_WITNESS);
  EXPECT_HAS(error, "defines no malloc: the program would run on the C library's");
  EXPECT_HAS(error, "link the allocator as a shared library that exports malloc and free");
}

// Would catch: the loader splitting a path at its space and preloading neither half.
TEST(Resolution, RefusesAPathThatLdPreloadCannotCarry) {
  const auto directory = std::filesystem::path(testing::TempDir()) / "heapwise with spaces";
  std::filesystem::create_directories(directory);
  const auto copy = directory / "libmine.so";
  std::filesystem::copy_file(HEAPWISE_NULL, copy,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_HAS(error_of("mine=" + copy.string()), "LD_PRELOAD cannot carry a path with spaces");
  std::filesystem::remove_all(directory);
}

// Would catch: the user's own library refused, or its settings dropped in silence.
TEST(Resolution, TakesAnyLibraryThatDefinesMalloc) {
  const auto resolved = resolve_text("mine=" HEAPWISE_NULL);
  EXPECT_EQ(resolved.library_path, std::filesystem::canonical(HEAPWISE_NULL).string());
  EXPECT_FALSE(resolved.build_id.empty());
  EXPECT_EQ(resolved.descriptor, nullptr);
  EXPECT_HAS(error_of("mine=" HEAPWISE_NULL ":arenas=2"), "no settings of 'mine' are known");
}

// Would catch: jemalloc=PATH losing what is known of jemalloc.
TEST(Resolution, BorrowsAKnownDescriptorForAGivenPath) {
  const auto resolved = resolve_text("jemalloc=" HEAPWISE_NULL ":narenas=3");
  ASSERT_NE(resolved.descriptor, nullptr);
  EXPECT_EQ(resolved.descriptor->name, "jemalloc");
  EXPECT_EQ(resolved.library_path, std::filesystem::canonical(HEAPWISE_NULL).string());
}

// Would catch: as_linked with settings that reach nobody.
TEST(Resolution, LeavesAsLinkedAlone) {
  const auto resolved = resolve_text("as_linked");
  EXPECT_TRUE(resolved.library_path.empty());
  EXPECT_TRUE(resolved.missing.empty());
  EXPECT_HAS(error_of("as_linked:mmap_max=0"), "takes neither a path nor settings");
}

// Would catch: a missing part reported as a missing package, or as an error that ends a campaign.
TEST(Resolution, ReportsAMissingPartAsMissing) {
  const auto resolved = resolve_allocator(parse_spec("refmalloc"), "/nonexistent");
  EXPECT_EQ(resolved.missing,
            "librefmalloc.so is not in '/nonexistent'; build it with: make build");
  EXPECT_TRUE(resolved.library_path.empty());
}

// Would catch: an identity without package or build id where the machine knows both.
TEST(Resolution, FindsTheCLibraryWithItsBuildIdAndPackage) {
  const auto resolved = resolve_text("glibc");
  ASSERT_TRUE(resolved.missing.empty()) << resolved.missing;
  EXPECT_EQ(resolved.library_path, std::filesystem::canonical(resolved.library_path).string());
  EXPECT_EQ(resolved.build_id.find_first_not_of("0123456789abcdef"), std::string::npos);
  if (!std::filesystem::exists("/var/lib/dpkg/status")) GTEST_SKIP() << "no dpkg on this machine";
  EXPECT_FALSE(resolved.package_version.empty());
}

}  // namespace
}  // namespace heapwise

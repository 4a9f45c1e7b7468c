// Which allocator really answers, proven from inside processes that run on each of them.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/allocators/allocator_process.h"

namespace heapwise {
namespace {

class IdentityOf : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { HEAPWISE_SKIP_IF_MISSING(GetParam()); }
};

std::vector<std::string> every_allocator() {
  std::vector<std::string> names;
  for (const auto& descriptor : all_descriptors()) names.emplace_back(descriptor.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(EveryAllocator, IdentityOf, testing::ValuesIn(every_allocator()),
                         [](const auto& name) { return name.param; });

// Would catch: a preload that was ignored, a version that cannot be read, an object that is another
// allocator's.
TEST_P(IdentityOf, IsProvenInAProcessOfItsOwn) {
  const auto resolved = resolve_text(GetParam());
  const auto found = identify_under(GetParam()).identity;
  EXPECT_EQ(found.contradiction, "");
  EXPECT_EQ(found.library_path, resolved.library_path);
  EXPECT_EQ(found.build_id, resolved.build_id);
  EXPECT_FALSE(found.version.empty());
  EXPECT_NE(found.version_source, "none");
}

// Would catch: the counting shim reported as the allocator, or hiding it.
TEST_P(IdentityOf, IsProvenBehindTheCountingShim) {
  const auto found = identify_under(GetParam(), {HEAPWISE_COUNT}).identity;
  EXPECT_EQ(found.contradiction, "");
  EXPECT_EQ(found.library_path, resolve_text(GetParam()).library_path);
}

// Would catch: a process that runs on the C library's malloc under another's name.
TEST_P(IdentityOf, IsRefutedInAProcessOnAnotherAllocator) {
  const auto actual = resolve_text(GetParam() == "glibc" ? "null" : "glibc");
  const auto found = identify_claimed(GetParam(), actual).identity;
  EXPECT_NE(found.contradiction.find("expected " + GetParam()), std::string::npos)
      << found.contradiction;
  EXPECT_NE(found.contradiction.find(actual.library_path + " answers"), std::string::npos)
      << found.contradiction;
  EXPECT_EQ(found.library_path, actual.library_path);
}

// Would catch: a library that bears jemalloc's name and calls and hands its work to the C library.
TEST(Identity, FindsOutALibraryThatOnlyPretends) {
  const auto found = identify_under("jemalloc=" HEAPWISE_FAKE_JEMALLOC).identity;
  EXPECT_NE(found.contradiction.find("expected objects of jemalloc from"), std::string::npos)
      << found.contradiction;
  EXPECT_NE(found.contradiction.find("mallctl thread.allocated rose by 0"), std::string::npos)
      << found.contradiction;
}

// Would catch: a library without the allocator's calls accepted because nothing could be asked.
TEST(Identity, RefutesALibraryThatLacksTheAllocatorsCalls) {
  for (const std::string name : {"jemalloc", "mimalloc", "tcmalloc", "tbbmalloc", "refmalloc"}) {
    const auto found = identify_under(name + "=" HEAPWISE_NULL).identity;
    EXPECT_NE(found.contradiction.find("expected objects of " + name), std::string::npos)
        << name << ": " << found.contradiction;
  }
}

// Would catch: the user's own allocator refused for want of a descriptor.
TEST(Identity, AcceptsTheUsersOwnLibraryByItsPath) {
  const auto found = identify_under("mine=" HEAPWISE_FAKE_JEMALLOC).identity;
  EXPECT_EQ(found.contradiction, "");
  EXPECT_EQ(found.library_path, std::filesystem::canonical(HEAPWISE_FAKE_JEMALLOC).string());
  EXPECT_EQ(found.version, found.build_id);
  EXPECT_EQ(found.version_source, "build id");
}

// Would catch: as_linked reporting nothing about the malloc it found.
TEST(Identity, NamesTheMallocOfAProgramAsLinked) {
  const auto found = identify_under("as_linked").identity;
  EXPECT_EQ(found.contradiction, "");
  EXPECT_EQ(found.library_path, resolve_text("glibc").library_path);
  EXPECT_EQ(found.version_source, "gnu_get_libc_version()");
}

// Would catch: a field that is stored and comes back as another.
TEST(Identity, SurvivesJson) {
  const SettingReport report{.key = "narenas",
                             .requested = "4",
                             .read_back = "2",
                             .source = "mallctl opt.narenas",
                             .verdict = Verdict::kContradicted};
  const auto back = settings_from_json(nlohmann::json::array({to_json(report)}));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(to_json(back[0]), to_json(report));
  EXPECT_EQ(to_json(report)["verdict"], "contradicted");
  EXPECT_THROW(settings_from_json(nlohmann::json::array({{{"key", "a"},
                                                          {"requested", "1"},
                                                          {"read_back", ""},
                                                          {"source", "none"},
                                                          {"verdict", "perhaps"}}})),
               std::invalid_argument);
}

}  // namespace
}  // namespace heapwise

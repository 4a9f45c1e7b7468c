// How memory is asked back: the closed list of ways, and each allocator's own in a process on it.
#include "allocators/release.h"

#include <gtest/gtest.h>

#include "tests/allocators/allocator_process.h"

namespace heapwise {
namespace {

// Would catch: "unreturned" computed where nothing was asked for.
TEST(ReleaseMemory, SaysWhetherThereWasAnythingToCall) {
  EXPECT_TRUE(release_memory({.kind = ReleaseKind::kSizeFunction, .name = "malloc_trim"}));
  EXPECT_FALSE(release_memory({}));
  for (const auto kind :
       {ReleaseKind::kSizeFunction, ReleaseKind::kBooleanFunction, ReleaseKind::kFunction,
        ReleaseKind::kCommandFunction, ReleaseKind::kOptionFunction, ReleaseKind::kMallctl}) {
    EXPECT_FALSE(release_memory({.kind = kind, .name = "no_such_function"}));
  }
}

// Would catch: an allocator that gave memory back and counts as one that cannot, for want of a
// cache to empty first.
TEST(ReleaseMemory, DoesNotNeedTheFlush) {
  EXPECT_TRUE(release_memory(
      {.kind = ReleaseKind::kSizeFunction, .name = "malloc_trim", .flush = "no_such_function"}));
}

// Would catch: a call documented with other arguments than it is made with.
TEST(ReleaseText, ShowsTheCallOfEachKind) {
  const auto text = [](ReleaseKind kind, int argument = 0) {
    return release_text({.kind = kind, .name = "f", .argument = argument});
  };
  EXPECT_EQ(text(ReleaseKind::kNone), "none");
  EXPECT_EQ(text(ReleaseKind::kSizeFunction), "f(0)");
  EXPECT_EQ(text(ReleaseKind::kBooleanFunction), "f(true)");
  EXPECT_EQ(text(ReleaseKind::kFunction), "f()");
  EXPECT_EQ(text(ReleaseKind::kCommandFunction, 3), "f(3, NULL)");
  EXPECT_EQ(text(ReleaseKind::kOptionFunction, -101), "f(-101, 0)");
  EXPECT_EQ(text(ReleaseKind::kMallctl), "mallctl f");
  EXPECT_EQ(release_text({.kind = ReleaseKind::kFunction, .name = "f", .flush = "g"}), "g(), f()");
}

class ReleaseOf : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { HEAPWISE_SKIP_IF_MISSING(GetParam()); }
};

std::vector<std::string> every_allocator_that_releases() {
  std::vector<std::string> names;
  for (const auto& descriptor : all_descriptors()) {
    if (descriptor.release.kind != ReleaseKind::kNone) names.emplace_back(descriptor.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(EveryAllocator, ReleaseOf,
                         testing::ValuesIn(every_allocator_that_releases()),
                         [](const auto& name) { return name.param; });

// Would catch: a misspelt function, or one that this version of the library lacks, so that all
// which lies above the live bytes is called fragmentation.
TEST_P(ReleaseOf, HasTheFunctionsThatItsDescriptorNames) {
  const auto end = run_process({HEAPWISE_RELEASE_PROGRAM, GetParam()},
                               child_environment(resolve_text(GetParam()), {}));
  EXPECT_EQ(end.wait_status, 0);
  const auto& release = find_descriptor(GetParam())->release;
  EXPECT_EQ(end.output, release.flush.empty() ? "released" : "flushed released");
}

}  // namespace
}  // namespace heapwise

// What a claim cannot be tested without, and what is said where it is missing.
#include "bench/claims/conditions.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

Conditions usual() {
  return {.libc_version = "2.36",
          .machine = "x86_64",
          .kernel = "6.1",
          .malloc_library = "/lib/x86_64-linux-gnu/libc.so.6",
          .huge_pages = "madvise",
          .page_bytes = 4096,
          .is_root = true};
}

constexpr Need kAllNeeds[] = {Need::kGlibcMalloc,      Need::kDefaultSettings,  Need::kSmallPages,
                              Need::kNoHugePageAlways, Need::kHugePageOnDemand, Need::kX86_64};

// Would catch: a row that is skipped on the machine it was made for.
TEST(Conditions, MeetEveryNeedOnAUsualMachine) {
  for (const auto need : kAllNeeds) EXPECT_EQ(usual().why_not(need), "");
}

// Would catch: a row about glibc that is judged by what another malloc did.
TEST(Conditions, NameTheMallocThatAnswers) {
  auto here = usual();
  here.malloc_library = "/usr/lib/libother.so.2";
  EXPECT_NE(here.why_not(Need::kGlibcMalloc).find("/usr/lib/libother.so.2"), std::string::npos);
  here.malloc_library = "/lib/libc-2.28.so";
  EXPECT_EQ(here.why_not(Need::kGlibcMalloc), "");
}

// Would catch: faults of 4 KiB judged where a fault gives 2 MiB.
TEST(Conditions, TellHowToMeetWhatIsMissing) {
  auto here = usual();
  here.huge_pages = "always";
  here.page_bytes = 65536;
  here.machine = "aarch64";
  here.malloc_settings = {"GLIBC_TUNABLES=glibc.malloc.arena_max=1"};
  EXPECT_NE(here.why_not(Need::kNoHugePageAlways).find("echo madvise"), std::string::npos);
  EXPECT_NE(here.why_not(Need::kHugePageOnDemand).find("'always'"), std::string::npos);
  EXPECT_NE(here.why_not(Need::kSmallPages).find("65536"), std::string::npos);
  EXPECT_NE(here.why_not(Need::kX86_64).find("aarch64"), std::string::npos);
  EXPECT_NE(here.why_not(Need::kDefaultSettings).find("arena_max=1"), std::string::npos);
}

}  // namespace
}  // namespace heapwise

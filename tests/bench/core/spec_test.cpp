#include "bench/core/spec.h"

#include <gtest/gtest.h>

namespace heapwise {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_spec(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

// Would catch: a setting lost between the command line and the child.
TEST(Spec, NamePathAndSettingsAreTakenApart) {
  const Spec spec = parse_spec("mine=./lib=odd.so:a=1,b=32M");
  EXPECT_EQ(spec.name, "mine");
  EXPECT_EQ(spec.path, "./lib=odd.so");
  ASSERT_EQ(spec.settings.size(), 2U);
  EXPECT_EQ(*spec.find("b"), "32M");
  EXPECT_EQ(spec.find("c"), nullptr);
}

// Would catch: a manifest from which the plan cannot be made again.
TEST(Spec, ItsTextIsTheSameSpecAgain) {
  for (const char* text : {"glibc", "glibc:mmap_threshold=32M,trim_threshold=1G",
                           "mine=./libmine.so", "jemalloc=/opt/lib.so:narenas=2"}) {
    EXPECT_EQ(parse_spec(text).text(), text);
    EXPECT_EQ(parse_spec(parse_spec(text).text()), parse_spec(text));
  }
}

// Would catch: a typing error that silently selects something else.
TEST(Spec, TextOutsideTheGrammarIsRefusedWithItsReason) {
  EXPECT_NE(error_of("").find("begin with a name"), std::string::npos);
  EXPECT_NE(error_of("glibc:").find("no '='"), std::string::npos);
  EXPECT_NE(error_of("glibc:a").find("'a' has no '='"), std::string::npos);
  EXPECT_NE(error_of("glibc:a=").find("'a' has no value"), std::string::npos);
  EXPECT_NE(error_of("glibc:a=1,a=2").find("given twice"), std::string::npos);
  EXPECT_NE(error_of("mine=").find("path after '=' is empty"), std::string::npos);
  EXPECT_NE(error_of("glibc:a=1").empty(), false);
}

// Would catch: the second of two specs in one value ignored.
TEST(Spec, SeveralSpecsStandInOneText) {
  const auto specs = parse_specs("  glibc\tjemalloc:narenas=1  tcmalloc ");
  ASSERT_EQ(specs.size(), 3U);
  EXPECT_EQ(specs[1].text(), "jemalloc:narenas=1");
  EXPECT_TRUE(parse_specs("  ").empty());
}

// Would catch: a hint that misleads, or none where it is obvious.
TEST(Spec, TheClosestNameIsSuggestedAndNothingWhereNoneIsClose) {
  const std::vector<std::string> names{"glibc", "jemalloc", "tcmalloc", "mimalloc"};
  EXPECT_EQ(closest_match("jemaloc", names), "jemalloc");
  EXPECT_EQ(closest_match("glib", names), "glibc");
  EXPECT_EQ(closest_match("zzzzzzzz", names), "");
}

}  // namespace
}  // namespace heapwise

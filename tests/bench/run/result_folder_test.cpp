#include "bench/run/result_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "bench/run/manifest.h"
#include "bench/run/run_error.h"
#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const RunError& error) {
    return error.what();
  }
  return {};
}

// Catches two campaigns that write their records into one file.
TEST(ResultFolder, ASecondHolderIsRefusedAndToldWhoIsThere) {
  const TemporaryFolder temporary;
  const auto first = ResultFolder::create(temporary.file("a"));
  const auto message = message_of([&] { ResultFolder::create(temporary.file("a")); });
  EXPECT_NE(message.find("another heapwise (process " + std::to_string(getpid()) + ")"),
            std::string::npos);
}

// Catches a campaign that is overwritten by the next with the same --out.
TEST(ResultFolder, AFolderWithACampaignIsNotTakenForANewOne) {
  const TemporaryFolder temporary;
  ResultFolder::create(temporary.file("a")).write_manifest({{"schema_version", 1}});
  EXPECT_NE(message_of([&] { ResultFolder::create(temporary.file("a")); }).find("--resume"),
            std::string::npos);
  EXPECT_EQ(ResultFolder::resume(temporary.file("a")).read_manifest()["schema_version"], 1);
}

// Catches places that cannot be written, which would be found after the first run.
TEST(ResultFolder, PlacesThatCannotBeWrittenAreErrorsWithTheirName) {
  const TemporaryFolder temporary;
  std::ofstream(temporary.file("file")) << "x";
  for (const auto& path :
       {temporary.file("file"), temporary.file("file/below"), std::string("/proc/heapwise")}) {
    EXPECT_NE(message_of([&] { ResultFolder::create(path); }).find(path), std::string::npos);
  }
}

// Catches a resume of something that is no campaign.
TEST(ResultFolder, ThereMustBeACampaignToResume) {
  const TemporaryFolder temporary;
  EXPECT_NE(message_of([&] { ResultFolder::resume(temporary.path()); }).find("no campaign"),
            std::string::npos);
}

// Catches records of two schemas in one file.
TEST(ResultFolder, AnotherSchemaVersionIsNotContinued) {
  const auto message = message_of([] { manifest_from_json({{"schema_version", 99}}, "m"); });
  EXPECT_NE(message.find("schema version 99"), std::string::npos);
  EXPECT_FALSE(message_of([] { manifest_from_json({{"schema_version", 1}}, "m"); }).empty());
}

// Catches a campaign that goes on without its memory limit, or one from before there was any that
// cannot go on.
TEST(ResultFolder, TheMemoryLimitComesBackFromTheManifest) {
  Manifest manifest{.kind = "bench"};
  EXPECT_TRUE(to_json(manifest, {}).at("memory_limit_bytes").is_null());
  EXPECT_EQ(manifest_from_json(to_json(manifest, {}), "m").memory_limit, Bytes{});
  manifest.memory_limit = kMiB;
  auto json = to_json(manifest, {});
  EXPECT_EQ(json.at("memory_limit_bytes"), kMiB.value);
  EXPECT_EQ(manifest_from_json(json, "m").memory_limit, kMiB);
  json.erase("memory_limit_bytes");
  EXPECT_EQ(manifest_from_json(json, "m").memory_limit, Bytes{});
}

// Catches names that do not sort by time, or hold characters of a shell.
TEST(ResultFolder, TheDefaultNameSaysWhenAndWhat) {
  EXPECT_TRUE(std::regex_match(default_result_folder("bench", "quick"),
                               std::regex("results/\\d{8}T\\d{6}Z-bench-quick")));
}

}  // namespace
}  // namespace heapwise

#include "bench/program/program_description.h"

#include <gtest/gtest.h>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

Json served() {
  return {{"name", "redis"},
          {"models", "a cache"},
          {"serve", "exec server"},
          {"drive", "client"},
          {"environment", {{"A", "b=c"}}},
          {"check_files", {"out"}},
          {"metrics", {"rps=([0-9]+):higher"}}};
}

// Catches a resumed campaign that runs something else than the one that was begun.
TEST(ProgramDescription, JsonAndBackIsTheSame) {
  const auto server = program_from_json(served(), "it");
  EXPECT_EQ(program_from_json(to_json(server), "it"), server);
  EXPECT_EQ(server.environment, std::vector<std::string>{"A=b=c"});
  EXPECT_EQ(server.timing, Timing::kServe);

  const auto command = program_from_json({{"command", "echo 'a b'"}, {"expect_exit", 3}}, "it");
  EXPECT_EQ(program_from_json(to_json(command), "it"), command);
  EXPECT_EQ(command.argv, (std::vector<std::string>{"/bin/sh", "-c", "echo 'a b'"}));
  EXPECT_EQ(command.timing, Timing::kWhole);
}

// Catches a misspelt field that is ignored: a correctness check that is never made.
TEST(ProgramDescription, AnUnknownFieldIsRefusedWithARemedy) {
  auto json = served();
  json["chek_files"] = {"x"};
  try {
    program_from_json(json, "'app.json'");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'check_files'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("app.json"), std::string::npos);
  }
}

// Catches a field of the wrong kind that ends the program by an exception of the library's.
TEST(ProgramDescription, AFieldOfTheWrongKindIsRefused) {
  auto json = served();
  json["check_files"] = "out";
  EXPECT_THROW(program_from_json(json, "it"), UsageError);
  EXPECT_THROW(program_from_json(Json::array(), "it"), UsageError);
}

// Catches halves of a server that wait for each other for ever.
TEST(ProgramDescription, PartsThatDoNotFitTogetherAreRefused) {
  EXPECT_THROW(program_from_json({{"serve", "a"}}, "it"), UsageError);
  EXPECT_THROW(program_from_json({{"command", "a"}, {"drive", "b"}}, "it"), UsageError);
  EXPECT_THROW(program_from_json({{"command", "a"}, {"serve", "b"}, {"drive", "c"}}, "it"),
               UsageError);
  EXPECT_THROW(program_from_json({{"command", "a"}, {"timing", "serve"}}, "it"), UsageError);
  EXPECT_THROW(program_from_json({{"command", "a"}, {"timing", "now"}}, "it"), UsageError);
}

// Catches a title that cannot be typed again.
TEST(ProgramDescription, WordsAreQuotedWhereAShellNeedsIt) {
  EXPECT_EQ(shell_text({"a", "b c", "it's", ""}), "a 'b c' 'it'\\''s' ''");
  EXPECT_EQ(shell_text({"/usr/bin/x", "--y=1,2"}), "/usr/bin/x --y=1,2");
}

}  // namespace
}  // namespace heapwise

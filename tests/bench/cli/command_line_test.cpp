#include "bench/cli/command_line.h"

#include <gtest/gtest.h>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

CommandLine line_of(std::vector<const char*> words) {
  words.insert(words.begin(), "heapwise");
  return split_command_line(static_cast<int>(words.size()), words.data());
}

/// The message with which the words are refused.
std::string refusal(const std::vector<const char*>& words) {
  CLI::App app("about", "heapwise");
  const std::vector<Subcommand> subcommands{add_list(app), add_bench(app), add_try(app)};
  try {
    dispatch(app, subcommands, line_of(words));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "(accepted)";
}

// Catches options of the user's program that heapwise takes for its own.
TEST(CommandLine, WhatFollowsTheTwoDashesIsTheCommands) {
  const auto line = line_of({"try", "--out", "d", "--", "prog", "--out", "--", "x"});
  EXPECT_EQ(line.options, (std::vector<std::string>{"try", "--out", "d"}));
  EXPECT_EQ(line.command, (std::vector<std::string>{"prog", "--out", "--", "x"}));
}

// Catches mistakes of typing that are answered with a page of help or not at all.
TEST(CommandLine, MistakesOfTypingAreAnsweredWithWhatWasMeant) {
  EXPECT_EQ(refusal({"benhc"}),
            "there is no subcommand 'benhc' (did you mean 'bench'?); see heapwise --help");
  EXPECT_EQ(refusal({"list", "--jsn"}),
            "The following argument was not expected: --jsn (did you mean '--json'?); see heapwise "
            "list --help");
  EXPECT_EQ(refusal({"bench", "--resume", "d", "--seed", "3"}),
            "--resume excludes --seed; see heapwise bench --help");
}

// Catches values that are read as something else.
TEST(CommandLine, ValuesOutOfRangeAreNamed) {
  EXPECT_NE(refusal({"bench", "--seed", "x"}).find("--seed"), std::string::npos);
  EXPECT_NE(refusal({"try", "--repetitions", "0", "--", "true"}).find("--repetitions"),
            std::string::npos);
  EXPECT_EQ(refusal({"bench", "--time-budget", "5"}),
            "--time-budget '5' is not a duration; write 90s, 5m or 1h");
}

// Catches a limit that is read as none, or changed in the middle of a campaign.
TEST(CommandLine, AMemoryLimitIsASizeAndStaysWithItsCampaign) {
  EXPECT_EQ(refusal({"bench", "--memory-limit", "0"}),
            "--memory-limit '0' is not a size; write 256M, 2G or plain bytes");
  EXPECT_NE(refusal({"try", "--memory-limit", "much", "--", "true"}).find("'much' is not a size"),
            std::string::npos);
  EXPECT_EQ(refusal({"try", "--resume", "d", "--memory-limit", "1G"}),
            "--resume excludes --memory-limit; see heapwise try --help");
}

// Catches a command that nobody gave.
TEST(CommandLine, TryNeedsACommandThatExists) {
  EXPECT_EQ(refusal({"try"}),
            "try needs a command after '--', e.g. heapwise try -- ./service --once, or a server: "
            "heapwise try --serve 'SERVER' --drive 'CLIENT'");
  EXPECT_EQ(refusal({"try", "--", "no-such-program"}),
            "cannot find a program 'no-such-program' that may be executed; give its path, such as "
            "./no-such-program");
}

// Catches a program's command line that bench would drop in silence.
TEST(CommandLine, BenchTakesNoCommand) {
  EXPECT_NE(refusal({"bench", "--", "prog"}).find("heapwise try -- COMMAND"), std::string::npos);
}

}  // namespace
}  // namespace heapwise

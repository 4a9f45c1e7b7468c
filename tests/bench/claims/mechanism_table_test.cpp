#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "bench/claims/mechanisms.h"

namespace heapwise {
namespace {

/// Two mechanisms under `count` allocators a, b, c, ...; the last one is not installed.
Json document(int count) {
  Json made{{"allocators", Json::array()}, {"mechanisms", Json::array()}};
  Json first{{"title", "bytes an object takes beyond the 16 / 100 / 1000 asked for"},
             {"how", "counted"},
             {"summary", Json::object()}};
  first["lines"] = {{{"label", "malloc(16)"}, {"cells", Json::object()}}};
  first["notes"] = {"a, free twice: abort"};
  auto second = first;
  second["title"] = "alignment";
  for (int i = 0; i < count; ++i) {
    const std::string spec(1, static_cast<char>('a' + i));
    const bool missing = i + 1 == count;
    made["allocators"].push_back({{"spec", spec},
                                  {"version", "1"},
                                  {"missing", missing ? "lib.so; apt-get install x" : ""}});
    if (missing) continue;
    for (auto* mechanism : {&first, &second}) {
      (*mechanism)["summary"][spec] = "16.1 / 12.4 / 1008 and more";
      (*mechanism)["lines"][0]["cells"][spec] = "16.1 µs";
    }
  }
  made["mechanisms"] = {first, second};
  return made;
}

std::size_t widest(const std::string& text) {
  std::size_t most = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) most = std::max(most, line.size());
  return most;
}

// Catches a table that a terminal breaks, and one that wastes the width there is.
TEST(MechanismTable, FitsTheWidthItIsGiven) {
  for (const std::size_t columns : {60U, 100U, 120U, 160U}) {
    EXPECT_LE(widest(mechanisms_table(document(7), columns, false)), columns);
  }
  EXPECT_GT(widest(mechanisms_table(document(7), 160, false)), 120U);
}

// Catches allocators that fall off the right edge.
TEST(MechanismTable, ANarrowTerminalGetsTablesBeneathEachOther) {
  std::istringstream lines(mechanisms_table(document(7), 80, false));
  std::string headings;
  std::string before;
  for (std::string line; std::getline(lines, line); before = line) {
    if (line.starts_with("---")) headings += before;
  }
  std::erase(headings, ' ');
  EXPECT_EQ(headings, "abcdefg");
}

// Catches an allocator that is not installed and looks as if it had been measured.
TEST(MechanismTable, WhatIsMissingSaysWhatToInstall) {
  const auto text = mechanisms_table(document(2), 100, false);
  EXPECT_NE(text.find("missing: b: lib.so; apt-get install x"), std::string::npos);
  EXPECT_NE(text.find("16.1 / 12.4 / 1008"), std::string::npos);
}

// Catches details that cannot be reached, and a summary that is flooded by them.
TEST(MechanismTable, LinesAndNotesComeOnlyWhenAskedFor) {
  const auto short_text = mechanisms_table(document(2), 100, false);
  const auto long_text = mechanisms_table(document(2), 100, true);
  EXPECT_EQ(short_text.find("malloc(16)"), std::string::npos);
  EXPECT_NE(long_text.find("malloc(16)"), std::string::npos);
  EXPECT_NE(long_text.find("a, free twice: abort"), std::string::npos);
  EXPECT_NE(long_text.find("(counted)"), std::string::npos);
}

// Catches columns that shift behind a letter of two bytes.
TEST(MechanismTable, LettersOfSeveralBytesTakeOneColumn) {
  auto made = document(3);
  made["mechanisms"][0]["lines"][0]["cells"]["b"] = "17 ns";
  const auto text = mechanisms_table(made, 100, true);
  const auto line = text.substr(text.find("malloc(16)"));
  EXPECT_EQ(line.find("17 ns") - line.find("16.1"), std::string("16.1 µs").size() - 7 + 20 + 2);
}

}  // namespace
}  // namespace heapwise

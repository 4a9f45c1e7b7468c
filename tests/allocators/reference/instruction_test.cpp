// Instructions of malloc and free on their short paths, counted by callgrind in a preloaded
// program. A count is exact and the same on every machine with this compiler, so it can be bounded
// where a time cannot. What the C library's functions need is printed beside.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "tests/allocators/reference/instruction_counts.h"

namespace {

// Counts of one call, by "malloc SIZE" and "free SIZE".
using Counts = std::map<std::string, double>;

// The dumps of one run: a line with the label, later one with the instructions of that dump. Of all
// rounds the shortest counts, since a longer one looked at the clock on its way.
Counts counts_in(const std::string& file) {
  const std::string trigger = "desc: Trigger: Client Request: ";
  const std::string totals = "totals: ";
  Counts counts;
  std::ifstream lines(file);
  std::string label;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(trigger)) {
      label = line.substr(trigger.size());
    } else if (line.starts_with(totals) && !label.empty()) {
      const double each = std::stod(line.substr(totals.size())) / kGroup;
      const auto [known, is_new] = counts.try_emplace(label, each);
      if (!is_new) known->second = std::min(known->second, each);
      label.clear();
    }
  }
  return counts;
}

Counts count_with(const std::string& preload) {
  char file[] = "/tmp/refmalloc_instructions.XXXXXX";
  const int descriptor = mkstemp(file);
  if (descriptor < 0) return {};
  close(descriptor);
  const std::string command = "LD_PRELOAD='" + preload +
                              "' valgrind -q --tool=callgrind --combine-dumps=yes "
                              "--toggle-collect=malloc --toggle-collect=free "
                              "--callgrind-out-file=" +
                              file + " '" INSTRUCTION_PROGRAM "' 64 1000 5000 30000 100000 200000";
  const Counts counts = std::system(command.c_str()) == 0 ? counts_in(file) : Counts{};
  unlink(file);
  return counts;
}

// `most` is what it has come to and may not exceed again, `target` what it shall be.
struct Bound {
  const char* name;
  const char* bytes;
  bool counts_malloc;
  bool counts_free;
  double most;
  double target;
};

void PrintTo(const Bound& bound, std::ostream* stream) {
  *stream << bound.name;
}

constexpr Bound kBounds[] = {
    {"malloc_64", "64", true, false, 18, 18},
    {"free_64", "64", false, true, 28, 18},
    {"malloc_1000", "1000", true, false, 18, 18},
    {"free_1000", "1000", false, true, 28, 18},
    {"malloc_5000", "5000", true, false, 24, 24},
    {"free_5000", "5000", false, true, 28, 24},
    {"malloc_30000", "30000", true, false, 24, 24},
    {"free_30000", "30000", false, true, 28, 24},
    {"malloc_and_free_100000", "100000", true, true, 600, 60},
    {"malloc_and_free_200000", "200000", true, true, 900, 60},
};

double count_of(const Bound& bound, const Counts& counts) {
  double sum = 0;
  if (bound.counts_malloc) sum += counts.at(std::string("malloc ") + bound.bytes);
  if (bound.counts_free) sum += counts.at(std::string("free ") + bound.bytes);
  return sum;
}

class InstructionTest : public testing::TestWithParam<Bound> {};

// Silent error: a few instructions more on a path that is taken a billion times.
TEST_P(InstructionTest, short_paths_stay_short) {
#ifndef NDEBUG
  GTEST_SKIP() << "bounds are those of a release build";
#endif
  if (std::system("command -v valgrind >/dev/null") != 0) GTEST_SKIP() << "needs valgrind";
  static const Counts refmalloc = count_with(REFMALLOC_LIBRARY);
  static const Counts c_library = count_with("");
  ASSERT_FALSE(refmalloc.empty()) << "callgrind failed";
  ASSERT_FALSE(c_library.empty()) << "callgrind failed";
  const double count = count_of(GetParam(), refmalloc);
  std::printf("%s: %.2f instructions, the C library's %.2f\n", GetParam().name, count,
              count_of(GetParam(), c_library));
  EXPECT_GT(count, 0);
  EXPECT_LE(count, GetParam().most);
  if (!HasFailure() && count > GetParam().target) {
    GTEST_SKIP() << count << " instructions; the target is " << GetParam().target;
  }
}

INSTANTIATE_TEST_SUITE_P(Bounds, InstructionTest, testing::ValuesIn(kBounds),
                         [](const auto& test) { return test.param.name; });

}  // namespace

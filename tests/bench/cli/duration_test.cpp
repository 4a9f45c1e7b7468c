#include "bench/cli/duration.h"

#include <gtest/gtest.h>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

// Catches minutes taken for seconds.
TEST(Duration, SecondsMinutesAndHours) {
  EXPECT_EQ(parse_duration("--t", "90s").value, 90'000'000'000U);
  EXPECT_EQ(parse_duration("--t", "5m").value, 300'000'000'000U);
  EXPECT_EQ(parse_duration("--t", "1h").value, 3'600'000'000'000U);
}

// Catches a budget of 0, which would mean none, and numbers that wrap around.
TEST(Duration, EverythingElseIsRefused) {
  for (const char* text : {"", "5", "s", "0s", "-5s", "5 s", "5d", "1.5h", "5ss",
                           "99999999999999999999s", "18446744073709551615h"}) {
    EXPECT_THROW(parse_duration("--t", text), UsageError) << text;
  }
}

}  // namespace
}  // namespace heapwise

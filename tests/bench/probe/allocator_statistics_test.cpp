// The statistics of every installed allocator that has any, read for real.
#include "bench/probe/allocator_statistics.h"

#include <sys/wait.h>

#include <map>
#include <sstream>

#include "tests/allocators/allocator_process.h"

namespace heapwise {
namespace {

struct Figure {
  std::uint64_t before = 0;
  std::uint64_t end = 0;
};

std::map<std::string, Figure> statistics_under(const std::string& allocator) {
  const auto resolved = resolve_text(allocator);
  const std::vector<std::string> counter{HEAPWISE_COUNT};
  const auto end =
      run_process({HEAPWISE_STATISTICS_PROGRAM, allocator}, child_environment(resolved, counter));
  EXPECT_TRUE(WIFEXITED(end.wait_status) && WEXITSTATUS(end.wait_status) == 0) << end.output;
  std::map<std::string, Figure> figures;
  std::istringstream lines(end.output);
  std::string name;
  for (Figure figure; lines >> name >> figure.before >> figure.end;) figures[name] = figure;
  return figures;
}

class StatisticsOf : public testing::TestWithParam<const AllocatorDescriptor*> {};

// Would catch: a statistic under a name that the library does not know, left out in silence; levels
// that stand still; a reading that calls the heap it reads.
TEST_P(StatisticsOf, CanAllBeReadFollowTheHeapAndDoNotUseIt) {
  const AllocatorDescriptor& descriptor = *GetParam();
  HEAPWISE_SKIP_IF_MISSING(std::string(descriptor.name));
  const auto figures = statistics_under(std::string(descriptor.name));
  std::uint64_t largest_growth = 0;
  for (const auto& statistic : descriptor.statistics) {
    const auto found = figures.find(std::string(statistic.name));
    ASSERT_NE(found, figures.end()) << statistic.name;
    const auto& [before, end] = found->second;
    if (statistic.name.ends_with("_count")) {
      EXPECT_GE(end, before) << statistic.name;
    } else if (end > before) {
      largest_growth = std::max(largest_growth, end - before);
    }
  }
  EXPECT_GE(largest_growth, std::uint64_t{64} << 20);
  ASSERT_TRUE(figures.contains("heap_calls"));
  EXPECT_EQ(figures.at("heap_calls").end, 0u);
}

std::vector<const AllocatorDescriptor*> descriptors_with_statistics() {
  std::vector<const AllocatorDescriptor*> found;
  for (const auto& descriptor : all_descriptors()) {
    if (!descriptor.statistics.empty()) found.push_back(&descriptor);
  }
  return found;
}

INSTANTIATE_TEST_SUITE_P(Allocators, StatisticsOf, testing::ValuesIn(descriptors_with_statistics()),
                         [](const auto& test) { return std::string(test.param->name); });

// Would catch: statistics of a descriptor that has grown beyond the storage, dropped in silence.
TEST(AllocatorStatistics, HaveRoomForEveryDescriptor) {
  for (const auto& descriptor : all_descriptors()) {
    EXPECT_LE(descriptor.statistics.size(), AllocatorStatistics::kMostStatistics)
        << descriptor.name;
  }
}

// Would catch: a 0 where there is no figure.
TEST(AllocatorStatistics, GiveNothingForWhatWasNotRead) {
  static constexpr Statistic kUnreadable{"no_such_bytes", {.kind = ReaderKind::kNone}};
  AllocatorStatistics statistics(std::span(&kUnreadable, 1));
  statistics.read(Moment::kEnd);
  EXPECT_EQ(statistics.value(Moment::kBegin, 0), std::nullopt);
  EXPECT_EQ(statistics.value(Moment::kEnd, 0), std::nullopt);
}

}  // namespace
}  // namespace heapwise

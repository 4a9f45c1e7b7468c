// The workloads huge_footprint and long_running.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tests/workloads/workload_instance.h"
#include "workloads/daily_load.h"

namespace heapwise {
namespace {

struct LiveBytes {
  double small = 0;  // in objects of at most 1K
  double large = 0;
  std::uint64_t small_count = 0;
};

LiveBytes live_bytes_of(const Workload& workload) {
  LiveBytes live;
  workload.visit_live([&](void*, std::size_t size) {
    (size <= 1024 ? live.small : live.large) += static_cast<double>(size);
    live.small_count += size <= 1024 ? 1 : 0;
  });
  return live;
}

// Would catch: a footprint of another size than was asked for, and one whose bytes are nearly all
// in large objects, with no metadata to speak of.
TEST(HugeFootprint, HalfOfTheBytesAreInSmallObjects) {
  WorkloadInstance instance(parse_spec("huge_footprint:live=64M"));
  instance.workload().warm_up();
  const auto live = live_bytes_of(instance.workload());
  const double wanted = 64 << 20;
  EXPECT_NEAR((live.small + live.large) / wanted, 1.0, 0.2);
  EXPECT_NEAR(live.small / wanted, 0.5, 0.05);
  EXPECT_GT(live.small_count, 100'000U);
  instance.workload().drain();
}

// Would catch: a share that is not the one asked for, a division by no objects.
TEST(HugeFootprint, TheShareOfSmallObjectsIsTheParameters) {
  WorkloadInstance small(parse_spec("huge_footprint:live=16M,small=100"));
  small.workload().warm_up();
  EXPECT_EQ(live_bytes_of(small.workload()).large, 0);
  small.workload().drain();
  WorkloadInstance large(parse_spec("huge_footprint:live=16M,small=0"));
  large.workload().warm_up();
  EXPECT_EQ(live_bytes_of(large.workload()).small, 0);
  large.workload().drain();
}

// Would catch: replacing that turns large objects into small ones, or the other way round.
TEST(HugeFootprint, ReplacingKeepsTheShares) {
  WorkloadInstance instance(parse_spec("huge_footprint:live=16M"));
  instance.workload().warm_up();
  const auto before = live_bytes_of(instance.workload());
  instance.run_batches(8);
  const auto after = live_bytes_of(instance.workload());
  EXPECT_EQ(after.small_count, before.small_count);
  EXPECT_NEAR(after.small / before.small, 1.0, 0.02);
  instance.workload().drain();
}

// Would catch: a footprint so large that a machine is refused a cell that it could hold.
TEST(HugeFootprint, TheFootprintIsNotFarAboveTheLiveBytes) {
  const auto* workload = find_workload("huge_footprint");
  const auto parameters = resolve_parameters(parse_spec("huge_footprint:live=4G"));
  const double footprint = static_cast<double>(workload->footprint(parameters).value);
  EXPECT_GT(footprint, 4.0 * (1 << 30));
  EXPECT_LT(footprint, 4.5 * (1 << 30));
}

// Would catch: an hour that is not that of its share of the requests, so that caches are dropped at
// one time and the load is that of another.
TEST(DailyLoad, TheHourAndTheShareOfTheRequestsAreEachOthersInverse) {
  const DailyLoad load;
  for (double hour = 0; hour <= DailyLoad::kHours; hour += 0.5) {
    EXPECT_NEAR(load.hour_at(DailyLoad::share_before(hour)), hour, 0.01);
  }
  EXPECT_NEAR(DailyLoad::share_before(DailyLoad::kHours), 1.0, 1e-12);
}

// Would catch: a curve whose mean is not 1, by which the rate would be another than was asked for.
TEST(DailyLoad, TheShareRisesAsTheLoadSays) {
  constexpr double kStep = 1e-4;
  for (double hour = 0; hour < 24; hour += 1) {
    const double slope =
        (DailyLoad::share_before(hour + kStep) - DailyLoad::share_before(hour)) / kStep;
    EXPECT_NEAR(slope * DailyLoad::kHours, DailyLoad::load_at(hour), 1e-3);
  }
}

constexpr std::uint64_t kOperations = 32'000;
constexpr const char* kService =
    "long_running:sessions=400,cache=1M,job=2M,rate=10000,operations=32000";

/// A run of the service, slice by slice, 16 a day.
class ServiceRun {
 public:
  ServiceRun() : instance_(parse_spec(kService)) { workload().warm_up(); }
  ~ServiceRun() { workload().drain(); }

  const CountingPacer& pacer() const { return instance_.pacers().front(); }
  void run_slice() {
    instance_.run_batches(static_cast<int>(kOperations / 64 / instance_.operations_per_batch()));
  }
  double live_bytes() { return static_cast<double>(workload().progress().live_bytes); }
  std::size_t largest_object() {
    std::size_t largest = 0;
    workload().visit_live([&](void*, std::size_t size) { largest = std::max(largest, size); });
    return largest;
  }

 private:
  Workload& workload() { return instance_.workload(); }

  WorkloadInstance instance_;
};

constexpr int kSlicesPerDay = 16;

/// Slices are equal in requests, not in time.
std::size_t slice_of(double hour) {
  return static_cast<std::size_t>(DailyLoad::share_before(hour) * kSlicesPerDay);
}

// Would catch: quarters of a run that cannot be compared, because they are of different hours; a
// live set that grows from day to day, which would be read as an allocator's growth.
TEST(LongRunning, TheLiveSetIsAsLargeAtTheSameHourOfEveryDay) {
  ServiceRun run;
  std::vector<double> live;
  for (int slice = 0; slice < 4 * kSlicesPerDay; ++slice) {
    run.run_slice();
    live.push_back(run.live_bytes());
  }
  for (std::size_t slice = kSlicesPerDay; slice < live.size(); ++slice) {
    EXPECT_NEAR(live[slice] / live[slice - kSlicesPerDay], 1.0, 0.15) << slice;
  }
}

// Would catch: a day of which every hour is like the others, and caches that are never dropped.
TEST(LongRunning, TheLiveSetFollowsTheDay) {
  ServiceRun run;
  std::vector<double> live;
  for (int slice = 0; slice < kSlicesPerDay; ++slice) {
    run.run_slice();
    live.push_back(run.live_bytes());
  }
  const auto [least, most] = std::minmax_element(live.begin(), live.end());
  EXPECT_GT(*most / *least, 1.3);
}

// Would catch: a nightly job that runs by day, leaves its buffers behind, or does not run at all.
TEST(LongRunning, LargeBuffersAreThereAtNightOnly) {
  constexpr std::size_t kLargestPage = 64 * 1024 * 3 / 2;
  ServiceRun run;
  int nights = 0;
  for (int slice = 0; slice < kSlicesPerDay; ++slice) {
    run.run_slice();
    const double end = static_cast<double>(slice + 1) / kSlicesPerDay;
    const bool is_night = end > DailyLoad::share_before(2) && end < DailyLoad::share_before(4);
    EXPECT_EQ(run.largest_object() > kLargestPage, is_night) << slice;
    nights += is_night ? 1 : 0;
  }
  EXPECT_GT(nights, 0);
}

// Would catch: an open loop in which night and day have the same load, or another rate than was
// asked for.
TEST(LongRunning, RequestsAreDueByTheDailyLoad) {
  ServiceRun run;
  std::array<double, kSlicesPerDay> seconds{};  // of four days
  double before = 0;
  for (int slice = 0; slice < 4 * kSlicesPerDay; ++slice) {
    run.run_slice();
    const double due = static_cast<double>(run.pacer().last_due().value) / 1e9;
    seconds[slice % kSlicesPerDay] += due - before;
    before = due;
  }
  EXPECT_EQ(run.pacer().answered_count(), kOperations);
  EXPECT_NEAR(before, static_cast<double>(kOperations) / 10'000, 0.15);
  const double at_night = seconds[slice_of(3)];
  const double by_day = seconds[slice_of(15)];
  EXPECT_NEAR(at_night / by_day, 1.6 / 0.4, 1.0);
}

// Would catch: an open loop that does other work than the closed one, so that its tail says nothing
// of the memory that the other pass saw.
TEST(LongRunning, TheSameRequestsComeInAnOpenAndInAClosedLoop) {
  const auto demand = [](std::span<Pacer* const> pacers) {
    const auto* descriptor = find_workload("long_running");
    ShadowHeap shadow;
    std::vector<CheckedHeap> heaps(1, CheckedHeap(shadow));
    const auto workload = descriptor->make_checked(resolve_parameters(parse_spec(kService)),
                                                   {.heaps = heaps,
                                                    .random = Random(5),
                                                    .threads = nullptr,
                                                    .tracks_live_bytes = true,
                                                    .pacers = pacers});
    workload->warm_up();
    for (int i = 0; i < 20; ++i) {
      workload->prepare_batch();
      workload->run_batch();
    }
    const auto asked = workload->demand();
    workload->drain();
    EXPECT_EQ(shadow.live_count(), 0U);
    return asked;
  };
  CountingPacer pacer;
  Pacer* const pacers[] = {&pacer};
  const auto open = demand(pacers);
  const auto closed = demand({});
  EXPECT_EQ(open.operations_count, closed.operations_count);
  EXPECT_EQ(open.heap_calls_count, closed.heap_calls_count);
  EXPECT_EQ(open.requested_bytes, closed.requested_bytes);
}

// Would catch: a run that is cut into slices of which a day is no whole number, so that quarters
// begin at other hours.
TEST(LongRunning, ARunIsOfSixtyFourSlicesAndADayOfSixteen) {
  const auto* descriptor = find_workload("long_running");
  for (const char* operations : {"500K", "1000000", "7M", "123457", "64000"}) {
    const auto parameters =
        resolve_parameters(parse_spec(std::string("long_running:operations=") + operations));
    const auto batch = static_cast<double>(descriptor->operations_per_batch(parameters));
    const double batches = std::ceil(static_cast<double>(parameters.at("operations")) / batch);
    const double slices = std::ceil(batches / 64) * 64;
    EXPECT_NEAR(slices * batch / static_cast<double>(parameters.at("operations")), 1.0, 0.01)
        << operations;
  }
}

}  // namespace
}  // namespace heapwise

#include "workloads/workload.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "tests/workloads/workload_instance.h"

namespace heapwise {
namespace {

struct Cell {
  const char* name;
  const char* spec;
  std::uint64_t heap_calls_per_batch;  // 0: it differs from batch to batch
};

std::ostream& operator<<(std::ostream& out, const Cell& cell) {
  return out << cell.spec;
}

constexpr Cell kCells[] = {
    {"last_in_first_out", "fixed_size:batch=300", 2 * 7 * 300},
    {"first_in_first_out", "fixed_size:size=1,batch=3000,order=fifo", 2 * 3000},
    {"out_in_random_order", "fixed_size:size=5000,batch=7,order=random", 2 * 293 * 7},
    {"small_churn", "small_churn:live=500,operations=5000", 2 * 2048},
    {"sized_delete", "sized_delete:live=500", 2 * 2048},
    {"sized_delete_of_one", "sized_delete:live=1,min=100,max=100", 2 * 2048},
    {"aligned", "aligned:live=500", 2 * 2048},
    {"aligned_to_pages", "aligned:alignment=4K,live=50,min=1,max=10K", 2 * 2048},
    {"calloc_zeroing", "calloc_zeroing:live=20", 2 * 64},
    {"calloc_small", "calloc_zeroing:live=100,min=1,max=64", 2 * 64},
    {"large_churn", "large_churn:max=256K,window=4,operations=64", 2 * 8},
    {"one_size", "large_churn:size=1M,window=1,operations=32", 2 * 8},
    {"one_to_one", "producer_consumer:operations=20000", 2 * 20'000},
    {"two_to_three", "producer_consumer:producers=2,consumers=3,operations=20000", 2 * 20'000},
    {"one_to_four", "producer_consumer:consumers=4,queue=124,operations=5000", 2 * 5'000},
    {"oldest_first", "asymmetric_free:live=5000,operations=20000", 2 * 79 * 256},
    {"oldest_of_many",
     "asymmetric_free:producers=2,consumers=3,live=6000,batch=10,operations=20000", 2 * 334 * 60},
    {"one_by_one", "asymmetric_free:live=100,batch=1,operations=2000", 2 * 2'000},
    {"by_half", "realloc_growth:max=1M,operations=28", 14 + 2},
    {"by_steps", "realloc_growth:buffers=3,start=1000,step=10000,max=101000", 3 * (10 + 2)},
    {"and_back", "realloc_growth:buffers=2,max=1M,shrink=1", 2 * (28 + 2)},
    {"trees", "document_trees:nodes=300,documents=4", 2 * 3 * (2 * 300 + 115)},
    {"trees_of_one_node", "document_trees:nodes=1,documents=1", 2 * 1024 * 2},
    {"tree_without_a_fork", "document_trees:nodes=700,children=1,documents=2", 2 * (3 * 700 - 1)},
    {"larson", "larson:live=100,operations=20000", 2 * 4 * 5 * 1'000},
    {"larson_alone", "larson:threads=1,live=10,rounds=3,operations=1000", 2 * 34 * 30},
    {"thread_churn", "thread_churn:objects=20,lifetime=10,operations=80", 2 * 20 * 80},
    {"thread_churn_alone",
     "thread_churn:threads=1,survive=100,freed_by=driver,lifetime=3,operations=20", 2 * 200 * 20},
    {"migrating_stress", "migrating_stress:shared=500,own=50,stay=1000,operations=20000",
     2 * 4 * 5 * 1'000},
    {"migrating_alone", "migrating_stress:threads=1,shared=50,own=7,stay=300,operations=1000",
     2 * 4 * 250},
    {"request_bursts", "request_bursts:peak=1M,calls=100,pause_ms=1", 2 * 100},
    {"gigabytes", "huge_footprint:live=16M,operations=10000", 2 * 2048},
    {"small_gigabytes", "huge_footprint:live=16M,small=90,operations=10000", 2 * 2048},
    {"days", "long_running:sessions=200,cache=1M,job=256K,operations=12800", 0},
    {"days_without_end", "long_running:sessions=3000,cache=1M,job=64K,operations=640", 0},
    {"shuffled_peak", "request_bursts:peak=1M,shuffle=1,calls=100,pause_ms=0", 2 * 100},
    {"arena_ratchet", "arena_ratchet:threads=4,size=256K,operations=8", 2 * 4},
    {"ratchet_of_several", "arena_ratchet:threads=5,active=3,buffers=3,size=64K", 2 * 3 * 5},
    {"ratchet_of_one", "arena_ratchet:threads=1,size=64K,operations=4", 2 * 1},
    {"mixed_service", "mixed_service:sessions=50,cache=100,operations=200", 0},
    {"service_of_three", "mixed_service:threads=3,sessions=1,cache=1,large=0,operations=100", 0},
    {"service_of_one", "mixed_service:threads=1,sessions=50,cache=50", 0},
    {"writers", "false_sharing_active:writes=10,operations=1000", 2 * 1'000},
    {"one_writer", "false_sharing_active:threads=1,objects=1,writes=10,operations=100", 2 * 100},
    {"handed_out", "false_sharing_passive:writes=10,operations=1000", 2 * 1'000},
    {"three_apart", "false_sharing_passive:threads=3,apart=1,writes=10,operations=1000", 2 * 1'002},
    {"list", "locality:live=5000,operations=5000", 2 * 50},
    {"fresh_array", "locality:live=5050,churn=0,dependent=0,replace=7", 2 * 354},
    {"plateau", "fragmentation_plateau:live=256K,max=8K", 0},
    {"plateau_of_few", "fragmentation_plateau:live=32K,min=2K,max=8K", 0},
    {"ladder", "fragmentation_ladder:round=1200K,operations=40K", 0},
    {"ladder_of_many_rungs", "fragmentation_ladder:round=64K,factor=2,largest=8K,survivors=50", 0},
    {"pinned_holes", "pinned_holes:buffers=4M", 0},
    {"pinned_without_refill", "pinned_holes:buffers=1M,min=4K,max=200K,refill=0", 0},
    {"phase_shift", "phase_shift:live=256K,max=8K", 0},
    {"four_phases", "phase_shift:live=1M,min=1K,phases=4,overlap=0", 0},
};

class EveryWorkload : public testing::TestWithParam<Cell> {};

// Would catch: objects lost, freed twice, or left behind by a workload itself.
TEST_P(EveryWorkload, EveryObjectIsFreedExactlyOnce) {
  WorkloadInstance instance(parse_spec(GetParam().spec));
  auto& workload = instance.workload();
  workload.warm_up();
  for (int i = 0; i < 4; ++i) {
    instance.run_batches(1);
    EXPECT_TRUE(instance.shadow().is_valid());
  }
  workload.drain();
  EXPECT_EQ(instance.shadow().live_count(), 0U);
  EXPECT_EQ(workload.progress().live_bytes, 0U);
}

// Would catch: figures divided by operations that did not happen.
TEST_P(EveryWorkload, ABatchIsTheAnnouncedNumberOfOperations) {
  WorkloadInstance instance(parse_spec(GetParam().spec));
  auto& workload = instance.workload();
  workload.warm_up();
  const auto before = workload.progress().operations_count;
  const auto demand_before = workload.demand();
  workload.prepare_batch();
  workload.run_batch();
  EXPECT_EQ(workload.progress().operations_count - before, instance.operations_per_batch());
  const auto demand = workload.demand() - demand_before;
  EXPECT_EQ(demand.operations_count, instance.operations_per_batch());
  if (GetParam().heap_calls_per_batch != 0) {
    EXPECT_EQ(demand.heap_calls_count, GetParam().heap_calls_per_batch);
  }
  EXPECT_GT(demand.requested_bytes, 0U);
  workload.drain();
}

// Would catch: a run that cannot be repeated.
TEST_P(EveryWorkload, TheSameSeedAsksForTheSameBytes) {
  const auto demand = [] {
    WorkloadInstance instance(parse_spec(GetParam().spec));
    instance.workload().warm_up();
    instance.run_batches(1);
    const auto asked = instance.workload().demand();
    instance.workload().drain();
    return asked;
  };
  EXPECT_EQ(demand().requested_bytes, demand().requested_bytes);
}

// Would catch: fragmentation computed from objects that are gone, or from some of them.
TEST_P(EveryWorkload, TheLiveObjectsItShowsAreAllThereAre) {
  WorkloadInstance instance(parse_spec(GetParam().spec));
  auto& workload = instance.workload();
  workload.warm_up();
  instance.run_batches(2);
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  workload.visit_live([&](void* object, std::size_t size) {
    instance.shadow().inspect(object);
    ++count;
    bytes += size;
  });
  if (instance.descriptor().shows_live_objects) {
    EXPECT_EQ(count, instance.shadow().live_count());
    EXPECT_EQ(bytes, workload.progress().live_bytes);
    EXPECT_GT(count, 0U);
  } else {
    EXPECT_EQ(count, 0U);
  }
  workload.drain();
}

// Would catch: a cell that is let onto a machine which it fills.
TEST_P(EveryWorkload, TheLiveBytesStayWithinTheFootprint) {
  WorkloadInstance instance(parse_spec(GetParam().spec));
  auto& workload = instance.workload();
  workload.warm_up();
  for (int i = 0; i < 4; ++i) {
    EXPECT_LE(workload.progress().live_bytes + workload.table_bytes().value,
              instance.footprint().value);
    instance.run_batches(1);
  }
  workload.drain();
}

// Would catch: a schedule that runs backwards, a request that is never answered.
TEST_P(EveryWorkload, EachRequestIsAnsweredAndDueAfterTheOneBefore) {
  WorkloadInstance instance(parse_spec(GetParam().spec));
  auto& workload = instance.workload();
  workload.warm_up();
  instance.run_batches(2);
  for (const auto& pacer : instance.pacers()) {
    EXPECT_TRUE(pacer.is_ordered());
    EXPECT_GT(pacer.answered_count(), 0U);
  }
  workload.drain();
}

INSTANTIATE_TEST_SUITE_P(Cells, EveryWorkload, testing::ValuesIn(kCells),
                         [](const auto& cell) { return std::string(cell.param.name); });

// Would catch: a live set that a batch empties, or that its slack doubles.
TEST(AsymmetricFree, TheLiveSetIsTheSameAfterTheWarmUpAndAfterEachBatch) {
  WorkloadInstance instance(parse_spec("asymmetric_free:consumers=2,live=5000,operations=20000"));
  auto& workload = instance.workload();
  workload.warm_up();
  constexpr std::uint64_t kWholeBatches = 10 * 2 * 256;
  EXPECT_EQ(instance.shadow().live_count(), kWholeBatches);
  for (int i = 0; i < 2; ++i) {
    workload.prepare_batch();
    workload.run_batch();
    EXPECT_EQ(instance.shadow().live_count(), kWholeBatches);
  }
  const auto average_size = workload.progress().live_bytes / kWholeBatches;
  EXPECT_GT(average_size, 100U);
  EXPECT_LT(average_size, 200U);
  workload.drain();
}

// Would catch: a growth that stops short of max, overshoots it or skips a size.
TEST(ReallocGrowth, EverySizeFromStartToMaxIsAskedForOnce) {
  WorkloadInstance instance(parse_spec("realloc_growth:buffers=3,start=1000,step=10000,max=95000"));
  instance.workload().prepare_batch();
  instance.workload().run_batch();
  const auto demand = instance.workload().demand();
  EXPECT_EQ(demand.operations_count, 3U * 10);
  EXPECT_EQ(demand.requested_bytes, 3U * (10 * (1'000 + 91'000) / 2 + 95'000));
}

// Would catch: a peak of another height, or one that is still there when the light use begins.
TEST(RequestBursts, ThePeakIsAskedForInFullAndFreedBeforeTheRegion) {
  WorkloadInstance instance(parse_spec("request_bursts:peak=3M,max=4K,calls=100,pause_ms=1"));
  auto& workload = instance.workload();
  workload.warm_up();
  EXPECT_EQ(workload.demand().requested_bytes, 3U << 20);
  EXPECT_EQ(workload.demand().operations_count, 0U);
  EXPECT_EQ(instance.shadow().live_count(), 0U);
}

// Cells whose live set should be full when the region begins, and neither grow nor shrink in it.
constexpr const char* kSteadyCells[] = {
    "small_churn:live=2000",
    "sized_delete:live=2000",
    "aligned:live=2000",
    "calloc_zeroing:live=100,max=4K",
    "large_churn:max=256K,window=32",
    "document_trees:nodes=100,documents=20",
    "asymmetric_free:live=5000,operations=20000",
    "mixed_service:sessions=200,cache=400,operations=400",
    "mixed_service:threads=1,sessions=200,cache=400",
    "locality:live=2000",
    "fragmentation_plateau:live=1M",
    "phase_shift:live=1M,max=16K",
    "huge_footprint:live=16M",
    "larson:live=100,operations=10000",
    "thread_churn:objects=20,lifetime=10,operations=80",
    "migrating_stress:shared=500,own=50,operations=10000",
};

class SteadyWorkload : public testing::TestWithParam<const char*> {};

// Would catch: a cold start that is counted in, a live set that is still on its way.
TEST_P(SteadyWorkload, TheLiveSetIsAsLargeAtTheStartAsLater) {
  constexpr int kBatches = 12;
  constexpr double kTolerance = 0.1;
  WorkloadInstance instance(parse_spec(GetParam()));
  auto& workload = instance.workload();
  workload.warm_up();
  std::vector<double> live{static_cast<double>(workload.progress().live_bytes)};
  for (int i = 0; i < kBatches; ++i) {
    instance.run_batches(1);
    live.push_back(static_cast<double>(workload.progress().live_bytes));
  }
  workload.drain();
  const auto mean = [&](std::size_t from, std::size_t to) {
    return std::accumulate(live.begin() + static_cast<std::ptrdiff_t>(from),
                           live.begin() + static_cast<std::ptrdiff_t>(to), 0.0) /
           static_cast<double>(to - from);
  };
  const double early = mean(0, live.size() / 2);
  const double late = mean(live.size() / 2, live.size());
  EXPECT_NEAR(early / late, 1.0, kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Cells, SteadyWorkload, testing::ValuesIn(kSteadyCells));

std::string error_of(const char* spec) {
  try {
    resolve_parameters(parse_spec(spec));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

// Would catch: a workload or parameter that is ignored because of a typing error.
TEST(WorkloadTable, WhatIsNotThereIsRefusedWithTheNearestName) {
  EXPECT_NE(error_of("small_chrun").find("did you mean 'small_churn'"), std::string::npos);
  EXPECT_NE(error_of("small_churn:life=3").find("did you mean 'live'"), std::string::npos);
  EXPECT_NE(error_of("small_churn:live=0").find("from 1 to"), std::string::npos);
  EXPECT_NE(error_of("small_churn:live=many").find("'many' is no value for live"),
            std::string::npos);
  EXPECT_NE(error_of("small_churn:min=2K,max=1K").find("min 2K is above max 1K"),
            std::string::npos);
  EXPECT_NE(error_of("fixed_size:order=fiof").find("'fiof' is no value for order"),
            std::string::npos);
  EXPECT_NE(error_of("fixed_size:order=fiof")
                .find("(did you mean 'fifo'?); give one of lifo, fifo, random"),
            std::string::npos);
  EXPECT_NE(error_of("fixed_size:order=1").find("; give one of lifo, fifo, random"),
            std::string::npos);
  EXPECT_NE(error_of("aligned:alignment=48").find("48 is not a power of two; give 32 or 64"),
            std::string::npos);
  EXPECT_NE(error_of("aligned:alignment=4").find("from 8 to 2M"), std::string::npos);
  EXPECT_NE(error_of("aligned:min=2K,max=1K").find("min 2K is above max 1K"), std::string::npos);
  EXPECT_NE(error_of("realloc_growth:start=1M,max=1M").find("start 1M is not below max 1M"),
            std::string::npos);
  EXPECT_NE(error_of("realloc_growth:start=1,step=1").find("more than 1M reallocs"),
            std::string::npos);
  EXPECT_NE(error_of("document_trees:children=257").find("from 1 to 256"), std::string::npos);
  EXPECT_NE(error_of("asymmetric_free:live=100").find("live 100 is below 256"), std::string::npos);
  EXPECT_NE(error_of("locality:min=1K").find("min 1K is above max 256"), std::string::npos);
  EXPECT_NE(error_of("false_sharing_passive:apart=2").find("from 0 to 1"), std::string::npos);
  EXPECT_NE(error_of("larson:min=600").find("min 600 is above max 500"), std::string::npos);
  EXPECT_NE(error_of("thread_churn:survive=101").find("from 0 to 100"), std::string::npos);
  EXPECT_NE(error_of("migrating_stress:shared=0,own=0").find("nothing to exchange"),
            std::string::npos);
  EXPECT_NE(error_of("migrating_stress:max=64K").find("from 1 to 65535"), std::string::npos);
  EXPECT_NE(error_of("request_bursts:request_min=4K").find("request_min 4K is above request_max"),
            std::string::npos);
  EXPECT_NE(error_of("fragmentation_plateau:live=64K").find("live 64K is below 128K"),
            std::string::npos);
  EXPECT_NE(error_of("fragmentation_ladder:largest=700").find("so there is one rung"),
            std::string::npos);
  EXPECT_NE(error_of("fragmentation_ladder:round=512K").find("4 objects of 108K, of which none"),
            std::string::npos);
  EXPECT_NE(error_of("pinned_holes:buffers=256K").find("buffers 256K is below 384K"),
            std::string::npos);
  EXPECT_NE(error_of("phase_shift:min=48K").find("max 64K is below twice min 48K"),
            std::string::npos);
  EXPECT_NE(error_of("phase_shift:live=128K").find("live 128K is below 256K"), std::string::npos);
}

// Would catch: a table entry that cannot be listed, sized or made.
TEST(WorkloadTable, EveryDescriptorIsCompleteAndItsDefaultsAreValid) {
  std::set<std::string_view> names;
  for (const auto* workload : all_workloads()) {
    EXPECT_TRUE(names.insert(workload->name).second) << workload->name;
    EXPECT_FALSE(workload->models.empty());
    EXPECT_FALSE(workload->does_not_model.empty());
    EXPECT_FALSE(family_name(workload->family).empty());
    const auto parameters = resolve_parameters({.name = std::string(workload->name)});
    EXPECT_EQ(parameters.size(), workload->parameters.size());
    EXPECT_TRUE(parameters.contains("operations"));
    EXPECT_GE(workload->threads(parameters), 1U);
    EXPECT_GT(workload->footprint(parameters).value, 0U);
    for (const auto& parameter : workload->parameters) {
      EXPECT_GE(parameter.default_value, parameter.minimum) << parameter.key;
      EXPECT_LE(parameter.default_value, parameter.maximum) << parameter.key;
      EXPECT_EQ(parameter.choices.empty(), parameter.unit != ParameterUnit::kChoice);
      EXPECT_FALSE(parameter.help.empty()) << parameter.key;
    }
  }
}

}  // namespace
}  // namespace heapwise

// small_churn
//
// Models: a program in its steady state that holds a set of small objects and replaces them one by
// one in no order: caches, sessions, syntax trees, key-value stores. Sizes are log-uniform.
//
// Does not model: objects that die in groups or in order, reading of old objects, threads, sizes
// that drift over time.
//
// Parameters and their source: 16 to 1024 bytes and live sets of 10K, 100K and 1M objects are this
// suite's own choice, not taken from a trace: about 2.4, 24 and 240 MB of objects, which lie near,
// above and far above a second-level cache. Which caches hold them depends on the machine.
//
// How to read the result: an operation is one free, one malloc and a write of the first byte. With
// 10K live it is the allocator's own path length; with 1M live, its cache and TLB behaviour. RSS
// growth over live bytes is fragmentation and metadata.

#include "workloads/random_replacement.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"live", ParameterUnit::kCount, 10'000, 1, 100'000'000, "objects alive at any time"},
    {"min", ParameterUnit::kBytes, 16, 1, 65'536, "smallest size"},
    {"max", ParameterUnit::kBytes, 1024, 1, 65'536, "largest size"},
    {"warmup", ParameterUnit::kCount, 0, 0, 1'000'000'000,
     "operations before the region; 0: 2 x live"},
    {"operations", ParameterUnit::kCount, 4'000'000, 1, 1'000'000'000'000, "operations measured"},
};

ReplacementPlan plan(const Parameters& parameters) {
  const auto live = parameters.at("live");
  const auto warm_up = parameters.at("warmup");
  return {.slots_count = live,
          .minimum_size = parameters.at("min"),
          .maximum_size = parameters.at("max"),
          .warm_up_operations = warm_up != 0 ? warm_up : 2 * live,
          .operations_per_batch = 2048,
          .touch = Touch::kFirstByte};
}

}  // namespace

extern const WorkloadDescriptor kSmallChurn;
constinit const WorkloadDescriptor kSmallChurn = describe_replacement<plan>({
    .name = "small_churn",
    .family = Family::kFastPath,
    .models = "a steady set of small objects, replaced one by one in random order",
    .does_not_model = "objects that die together, reading of old objects, threads",
    .parameters = kParameters,
});

}  // namespace heapwise

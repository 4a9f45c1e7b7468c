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

#include "workloads/small_objects.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {small_objects::kLive, small_objects::kMin,
                                               small_objects::kMax, small_objects::kWarmUp,
                                               small_objects::kOperations};

}  // namespace

extern const WorkloadDescriptor kSmallChurn;
constinit const WorkloadDescriptor kSmallChurn = describe_replacement<small_objects::plan>({
    .name = "small_churn",
    .family = Family::kFastPath,
    .models = "a steady set of small objects, replaced one by one in random order",
    .does_not_model = "objects that die together, reading of old objects, threads",
    .parameters = kParameters,
});

}  // namespace heapwise

// fragmentation_plateau
//
// Models: a program that has run for long with a constant number of bytes alive: objects of mixed
// sizes are made, and random ones die to make room. What dies has another size than what takes its
// place, so holes are cut up, left over and merged again. This is the steady state in which the
// literature on fragmentation measures allocators (Wilson, Johnstone, Neely and Boles, "Dynamic
// Storage Allocation: A Survey and Critical Review", 1995, section 2, where it is also said what
// random lifetimes leave out).
//
// Does not model: objects that die in groups or in order, as those of most programs do, which
// fragments less; sizes of which a few are most; sizes that drift over time (phase_shift); threads.
//
// Parameters and their source: the suite's own choice, not taken from a trace. 16 bytes to 32K
// log-uniform are slabs and spans below every mmap threshold, 4,300 bytes on average; 32M of them
// are 7,800 objects, and 400,000 operations replace each of them 50 times. Where small_churn holds
// the number of objects constant, this holds their bytes.
//
// How to read the result: the region begins when the set is full for the first time, with nothing
// freed yet. From there the timeline tells: RSS over live bytes rises and settles at a plateau, or
// is still rising at the end; how high is end RSS over live. The pass fragmentation says whether
// that is rounding up (internal), holes (external) or free memory that was not given back.
//
// An operation is one malloc with a write into each of its pages, and as many frees of random live
// objects before it as keep the bytes at `live`: one on average.

#include "workloads/byte_bounded_set.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kOperationsPerBatch = 1024;
constexpr std::uint64_t kFewestLargest = 4;  // objects of the largest size that `live` has to hold

constexpr ParameterDescriptor kParameters[] = {
    {"live", ParameterUnit::kBytes, 32 << 20, 4 << 10, 1ULL << 36, "bytes alive at any time"},
    {"min", ParameterUnit::kBytes, 16, 1, 1 << 30, "smallest size"},
    {"max", ParameterUnit::kBytes, 32 << 10, 1, 1 << 30, "largest size"},
    {"operations", ParameterUnit::kCount, 400'000, 1, 1'000'000'000'000, "operations measured"},
};

SetLimits limits(const Parameters& parameters) {
  const auto live = parameters.at("live");
  const auto objects = most_objects(live, parameters.at("min"), parameters.at("max"));
  return {.bytes = live, .objects = objects, .steps = objects + 2 * kOperationsPerBatch};
}

template <HeapUnderTest Heap>
class FragmentationPlateau final : public ByteBoundedWorkload<Heap> {
 public:
  FragmentationPlateau(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : ByteBoundedWorkload<Heap>(limits(parameters), capabilities),
        sizes_(parameters.at("min"), parameters.at("max")) {}

  void warm_up() override {
    for (auto size = draw(); set_.has_room(size); size = draw()) set_.plan_object(size, random_);
    set_.run();
    set_.age();
  }

  void prepare_batch() override {
    for (std::uint64_t i = 0; i < kOperationsPerBatch; ++i) {
      set_.plan_object(draw(), random_);
      set_.age();
    }
    operations_count_ += kOperationsPerBatch;
  }

 private:
  using ByteBoundedWorkload<Heap>::random_;
  using ByteBoundedWorkload<Heap>::set_;
  using ByteBoundedWorkload<Heap>::operations_count_;

  std::uint32_t draw() { return static_cast<std::uint32_t>(sizes_.draw(random_)); }

  LogUniform sizes_;
};

std::uint64_t operations_per_batch(const Parameters&) {
  return kOperationsPerBatch;
}

std::uint64_t operations_per_pass(const Parameters& parameters) {
  return limits(parameters).objects;
}

Bytes footprint(const Parameters& parameters) {
  const auto set = limits(parameters);
  return {set.bytes + ByteBoundedSet<PlainHeap>::table_bytes(set).value};
}

std::string reject(const Parameters& parameters) {
  const auto least = kFewestLargest * parameters.at("max");
  if (parameters.at("live") < least) {
    return "live " + format_scaled(parameters.at("live")) + " is below " + format_scaled(least) +
           ", a few objects of the largest size; set a larger live or a smaller max";
  }
  return reject_inverted_sizes(parameters);
}

}  // namespace

extern const WorkloadDescriptor kFragmentationPlateau;
constinit const WorkloadDescriptor kFragmentationPlateau = describe<FragmentationPlateau>({
    .name = "fragmentation_plateau",
    .family = Family::kMemory,
    .models = "random replacement of objects of mixed sizes at a constant number of live bytes",
    .does_not_model = "objects that die in groups or in order, sizes that drift, threads",
    .parameters = kParameters,
    .shows_live_objects = true,
    .operations_per_batch = operations_per_batch,
    .operations_per_pass = operations_per_pass,
    .footprint = footprint,
    .reject = reject,
});

}  // namespace heapwise

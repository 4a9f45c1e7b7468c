// huge_footprint
//
// Models: a process that holds gigabytes: in-memory stores, indexes, simulations. Half of the bytes
// are in small objects, millions of them, the others in large ones; every page is written, and
// objects are replaced one by one in random order, so that each operation meets memory that no
// cache and no TLB holds.
//
// Does not model: locality (real stores have hot parts), reading of what is kept, growth beyond
// `live`, memory pressure, threads. The heap is freshly filled and hardly aged: replacing `live`
// once over takes as many operations as there are objects. small_churn and long_running show what
// age does.
//
// Parameters and their source: the suite's own choice. Small are 16 bytes to 1K log-uniform, as in
// small_churn, 242 on average; large are 1K to 1M log-uniform, 151K on average. By `small=50` there
// are 625 small objects to each large one, and 2.2 million in 1G. Objects to replace are drawn from
// all, so small and large bytes are turned over alike.
//
// How to read the result: what an allocator does at scale. Time an operation is mostly misses: of
// the data caches and the TLB in the object and in the allocator's own records, so huge pages and
// compact metadata show. RSS growth over live bytes is rounding and metadata, because nothing has
// come apart yet. Filling is the warm-up and takes seconds by page faults alone; the parent touches
// that much memory before a campaign, so that the host has backed it. A check holds every object in
// a tree, which takes many times as long to fill.

#include <algorithm>
#include <cmath>

#include "workloads/random_replacement.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kSmallest = 16;
constexpr std::uint64_t kLargestSmall = 1 << 10;
constexpr std::uint64_t kLargest = 1 << 20;

constexpr ParameterDescriptor kParameters[] = {
    {"live", ParameterUnit::kBytes, 1 << 30, 16 << 20, 1ULL << 39,
     "bytes alive at any time, on average"},
    {"small", ParameterUnit::kCount, 50, 0, 100, "per cent of them in objects of at most 1K"},
    {"operations", ParameterUnit::kCount, 500'000, 1, 1'000'000'000'000, "operations measured"},
};

double variance_of_log_uniform(std::uint64_t minimum, std::uint64_t maximum) {
  const auto low = static_cast<double>(minimum);
  const auto high = static_cast<double>(maximum);
  const double mean = mean_of_log_uniform(minimum, maximum);
  return (high * high - low * low) / (2 * std::log(high / low)) - mean * mean;
}

/// How many objects of both kinds hold `live` bytes.
struct Counts {
  std::uint64_t small;
  std::uint64_t large;
};

Counts counts(const Parameters& parameters) {
  const auto live = static_cast<double>(parameters.at("live"));
  const double share = static_cast<double>(parameters.at("small")) / 100;
  const double small = live * share / mean_of_log_uniform(kSmallest, kLargestSmall);
  const double large = live * (1 - share) / mean_of_log_uniform(kLargestSmall, kLargest);
  return {static_cast<std::uint64_t>(small), static_cast<std::uint64_t>(large)};
}

/// Slots of large objects lie evenly among those of small ones, so that both are made in turn.
class MixedSizes {
 public:
  explicit MixedSizes(const Counts& counts)
      : slots_count_(counts.small + counts.large), large_count_(counts.large) {}

  std::uint64_t draw(Random& random, std::uint32_t slot) const {
    return is_large(slot) ? large_.draw(random) : small_.draw(random);
  }

 private:
  /// Whether a line of slope large / all reaches the next whole number in this slot.
  bool is_large(std::uint64_t slot) const {
    return slot * large_count_ % slots_count_ + large_count_ >= slots_count_;
  }

  std::uint64_t slots_count_;
  std::uint64_t large_count_;
  LogUniform small_{kSmallest, kLargestSmall};
  LogUniform large_{kLargestSmall, kLargest};
};

ReplacementPlan plan(const Parameters& parameters) {
  const auto objects = counts(parameters);
  return {.slots_count = objects.small + objects.large,
          .minimum_size = kSmallest,
          .maximum_size = kLargest,
          .warm_up_operations = 0,
          .operations_per_batch = 2048,
          .touch = Touch::kEveryPage};
}

template <HeapUnderTest Heap>
class HugeFootprint final : public RandomReplacement<Heap, MallocAndFree, MixedSizes> {
 public:
  HugeFootprint(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : RandomReplacement<Heap, MallocAndFree, MixedSizes>(
            plan(parameters), MallocAndFree(parameters), MixedSizes(counts(parameters)),
            capabilities) {}
};

std::uint64_t operations_per_batch(const Parameters& parameters) {
  return plan(parameters).operations_per_batch;
}

std::uint64_t operations_per_pass(const Parameters& parameters) {
  return plan(parameters).slots_count;
}

// Sizes are drawn, so the live bytes swing about their mean; six standard deviations are never met.
Bytes footprint(const Parameters& parameters) {
  constexpr double kDeviations = 6;
  const auto objects = counts(parameters);
  const auto small = static_cast<double>(objects.small);
  const auto large = static_cast<double>(objects.large);
  const double variance = small * variance_of_log_uniform(kSmallest, kLargestSmall) +
                          large * variance_of_log_uniform(kLargestSmall, kLargest);
  const double live =
      static_cast<double>(parameters.at("live")) + kDeviations * std::sqrt(variance);
  return {static_cast<std::uint64_t>(live) + replacement_table_bytes(plan(parameters)).value};
}

}  // namespace

extern const WorkloadDescriptor kHugeFootprint;
constinit const WorkloadDescriptor kHugeFootprint = describe<HugeFootprint>({
    .name = "huge_footprint",
    .family = Family::kLongAndLarge,
    .models = "gigabytes alive, half of them in millions of small objects, replaced at random",
    .does_not_model = "locality, reading of what is kept, age, memory pressure, threads",
    .parameters = kParameters,
    .shows_live_objects = true,
    .operations_per_batch = operations_per_batch,
    .operations_per_pass = operations_per_pass,
    .footprint = footprint,
});

}  // namespace heapwise

// large_churn
//
// Models: buffers above glibc's first mmap threshold of 128K that live for a short while: message
// bodies, image rows, matrices, read buffers. Every page is written, as their users do. With
// `size=1M,window=1` it is the allocate, use, free of one buffer again and again.
//
// Does not model: buffers that are filled only in part, growth by realloc, buffers handed between
// threads, memory pressure.
//
// Parameters and their source: 128K is where the C library's documentation says mmap begins
// (mallopt(3), M_MMAP_THRESHOLD), 4M is 32 times that; a window of 16 is a small pool of requests
// in flight. Log-uniform sizes.
//
// How to read the result: time is mostly page faults, so minor faults an operation explain it. An
// allocator that gives memory back at each free faults once a page; one that keeps it pays in
// resident memory instead.

#include "workloads/random_replacement.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kLargest = 1ULL << 31;

constexpr ParameterDescriptor kParameters[] = {
    {"size", ParameterUnit::kBytes, 0, 0, kLargest, "one size instead of min to max; 0: none"},
    {"min", ParameterUnit::kBytes, 128 << 10, 1, kLargest, "smallest size"},
    {"max", ParameterUnit::kBytes, 4 << 20, 1, kLargest, "largest size"},
    {"window", ParameterUnit::kCount, 16, 1, 1'000'000, "buffers alive at any time"},
    {"warmup", ParameterUnit::kCount, 0, 0, 1'000'000'000,
     "operations before the region; 0: 8 x window"},
    {"operations", ParameterUnit::kCount, 2'000, 1, 1'000'000'000'000, "operations measured"},
};

ReplacementPlan plan(const Parameters& parameters) {
  const auto size = parameters.at("size");
  const auto window = parameters.at("window");
  const auto warm_up = parameters.at("warmup");
  return {.slots_count = window,
          .minimum_size = size != 0 ? size : parameters.at("min"),
          .maximum_size = size != 0 ? size : parameters.at("max"),
          .warm_up_operations = warm_up != 0 ? warm_up : 8 * window,
          .operations_per_batch = 8,
          .touch = Touch::kEveryPage};
}

}  // namespace

extern const WorkloadDescriptor kLargeChurn;
constinit const WorkloadDescriptor kLargeChurn = describe_replacement<plan>({
    .name = "large_churn",
    .family = Family::kFastPath,
    .models = "buffers above 128K in a live window, every page written",
    .does_not_model = "partly used buffers, growth by realloc, hand-over between threads",
    .parameters = kParameters,
});

}  // namespace heapwise

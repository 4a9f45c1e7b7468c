// What the files of single workloads share to describe themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "workloads/random_replacement.h"
#include "workloads/workload.h"

namespace heapwise {

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
  return (value + by - 1) / by;
}

/// For workloads with parameters `min` and `max`.
std::string reject_inverted_sizes(const Parameters& parameters);

template <template <HeapUnderTest> class Instance, HeapUnderTest Heap>
std::unique_ptr<Workload> make_instance(const Parameters& parameters,
                                        const Capabilities<Heap>& capabilities) {
  return std::make_unique<Instance<Heap>>(parameters, capabilities);
}

/// Completes a workload's descriptor with its class, which is made from parameters and
/// capabilities.
template <template <HeapUnderTest> class Instance>
constexpr WorkloadDescriptor describe(WorkloadDescriptor workload) {
  if (workload.operations_per_pass == nullptr) {
    workload.operations_per_pass = workload.operations_per_batch;
  }
  workload.make_plain = make_instance<Instance, PlainHeap>;
  workload.make_timed = make_instance<Instance, TimedHeap>;
  workload.make_checked = make_instance<Instance, CheckedHeap>;
  return workload;
}

/// The factory of a churn workload from the function that reads its plan out of the parameters.
template <HeapUnderTest Heap, ReplacementPlan (*plan)(const Parameters&), class Calls>
std::unique_ptr<Workload> make_replacement(const Parameters& parameters,
                                           const Capabilities<Heap>& capabilities) {
  const auto made = plan(parameters);
  return std::make_unique<RandomReplacement<Heap, Calls>>(made, Calls(parameters), AlikeSizes(made),
                                                          capabilities);
}

/// Completes a churn workload's descriptor, which says of itself what people read and its
/// parameters, and may bring a footprint and a reject of its own.
template <ReplacementPlan (*plan)(const Parameters&), class Calls = MallocAndFree>
constexpr WorkloadDescriptor describe_replacement(WorkloadDescriptor workload) {
  workload.shows_live_objects = true;
  workload.operations_per_batch = [](const Parameters& parameters) {
    return std::uint64_t{plan(parameters).operations_per_batch};
  };
  workload.operations_per_pass = [](const Parameters& parameters) {
    return plan(parameters).slots_count;
  };
  if (workload.footprint == nullptr) {
    workload.footprint = [](const Parameters& parameters) {
      return replacement_footprint(plan(parameters));
    };
  }
  if (workload.reject == reject_nothing) workload.reject = reject_inverted_sizes;
  workload.make_plain = make_replacement<PlainHeap, plan, Calls>;
  workload.make_timed = make_replacement<TimedHeap, plan, Calls>;
  workload.make_checked = make_replacement<CheckedHeap, plan, Calls>;
  return workload;
}

}  // namespace heapwise

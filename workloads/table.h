// What the files of single workloads share to describe themselves.
#pragma once

#include <memory>
#include <string>

#include "workloads/random_replacement.h"
#include "workloads/workload.h"

namespace heapwise {

/// For workloads with parameters `min` and `max`.
std::string reject_inverted_sizes(const Parameters& parameters);

/// The factory of a churn workload from the function that reads its plan out of the parameters.
template <HeapUnderTest Heap, ReplacementPlan (*plan)(const Parameters&)>
std::unique_ptr<Workload> make_replacement(const Parameters& parameters,
                                           const Capabilities<Heap>& capabilities) {
  return std::make_unique<RandomReplacement<Heap>>(plan(parameters), capabilities);
}

}  // namespace heapwise

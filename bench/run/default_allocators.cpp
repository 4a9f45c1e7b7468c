#include "bench/run/default_allocators.h"

#include <algorithm>

#include "allocators/allocator.h"

namespace heapwise {

std::vector<Spec> default_allocators() {
  std::vector<Spec> specs;
  for (const auto& descriptor : all_descriptors()) {
    if (descriptor.harness_own || descriptor.on_request) continue;
    specs.push_back({.name = std::string(descriptor.name), .path = {}, .settings = {}});
  }
  return specs;
}

std::vector<Spec> chosen_allocators(const std::vector<std::string>& texts) {
  std::vector<Spec> specs;
  for (const auto& text : texts) {
    for (auto& spec : parse_specs(text)) {
      const auto* descriptor = find_descriptor(spec.name);
      if (descriptor != nullptr && descriptor->harness_own) {
        throw UsageError("'" + spec.name +
                         "' measures the harness and is no allocator to compare; "
                         "see heapwise list");
      }
      if (std::ranges::count(specs, spec) > 0) {
        throw UsageError("the allocator '" + spec.text() + "' is named twice; name each once");
      }
      specs.push_back(std::move(spec));
    }
  }
  return specs.empty() ? default_allocators() : specs;
}

}  // namespace heapwise

#include "bench/claims/other_allocators.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bench/run/default_allocators.h"

namespace heapwise {

std::vector<ResolvedAllocator> installed_allocators(const Parts& parts) {
  std::vector<ResolvedAllocator> installed;
  for (const auto& spec : default_allocators()) {
    auto allocator = resolve_allocator(spec, parts.directory);
    if (allocator.missing.empty()) installed.push_back(std::move(allocator));
  }
  return installed;
}

std::string how_to_install_others() {
  std::vector<std::string_view> packages;
  for (const auto& spec : default_allocators()) {
    const auto* descriptor = find_descriptor(spec.name);
    if (descriptor != nullptr && !descriptor->package.empty())
      packages.push_back(descriptor->package);
  }
  return fmt::format("apt-get install one of: {}", fmt::join(packages, ", "));
}

std::vector<std::string> settings_environment(const ResolvedAllocator& allocator) {
  std::vector<std::string> environment;
  for (const auto& [key, value] : allocator.environment) environment.push_back(key + "=" + value);
  return environment;
}

std::vector<std::string> preloading_environment(const ResolvedAllocator& allocator) {
  auto environment = settings_environment(allocator);
  environment.push_back("LD_PRELOAD=" + allocator.library_path);
  return environment;
}

}  // namespace heapwise

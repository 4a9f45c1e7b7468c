// The environment of a child: nothing that an allocator reads gets through by accident.
#include <unistd.h>

#include <algorithm>

#include "allocators/allocator.h"

namespace heapwise {
namespace {

constexpr std::string_view kPreload = "LD_PRELOAD";

bool is_allocators_own(std::string_view name) {
  const auto patterns = allocator_variables();
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](auto pattern) { return variable_matches(pattern, name); });
}

std::vector<KeyValue> scrubbed_environment(std::span<const std::string> keep) {
  std::vector<KeyValue> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = text.substr(0, equals);
    if (is_allocators_own(name) && std::find(keep.begin(), keep.end(), name) == keep.end())
      continue;
    variables.push_back({std::string(name), std::string(text.substr(equals + 1))});
  }
  return variables;
}

KeyValue& variable(std::vector<KeyValue>& variables, std::string_view name) {
  for (auto& existing : variables) {
    if (existing.key == name) return existing;
  }
  return variables.emplace_back(KeyValue{std::string(name), {}});
}

/// The separator of a variable that holds several items, or 0 for one that holds a single value.
char item_separator(const AllocatorDescriptor* descriptor, std::string_view name) {
  if (descriptor == nullptr) return 0;
  for (const auto& setting : descriptor->settings) {
    if (setting.carrier.variable == name && !setting.carrier.item.empty()) {
      return setting.carrier.separator;
    }
  }
  return 0;
}

}  // namespace

std::vector<std::string> child_environment(const ResolvedAllocator& allocator,
                                           std::span<const std::string> preload_before,
                                           std::span<const std::string> keep) {
  auto variables = scrubbed_environment(keep);
  for (const auto& [name, value] : allocator.environment) {
    auto& kept = variable(variables, name);
    const char separator = item_separator(allocator.descriptor, name);
    // Of an item given twice the later one counts, so that the spec wins over what was kept.
    const bool joins = separator != 0 && !kept.value.empty();
    kept.value = joins ? kept.value + separator + value : value;
  }

  std::string preload;
  for (const auto& library : preload_before) preload += library + ":";
  if (!allocator.library_path.empty()) preload += allocator.library_path + ":";
  if (!preload.empty()) {
    auto& kept = variable(variables, kPreload);
    kept.value = preload + kept.value;  // what the user preloads comes after the allocator
    if (kept.value.back() == ':') kept.value.pop_back();
  }

  std::vector<std::string> entries;
  entries.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    entries.push_back(name);
    entries.back().append("=").append(value);
  }
  return entries;
}

}  // namespace heapwise

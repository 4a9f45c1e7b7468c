#include "allocators/descriptor.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>

namespace heapwise {
namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::toupper(x) == std::toupper(y);
  });
}

}  // namespace

const Setting* AllocatorDescriptor::find_setting(std::string_view key) const {
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [key](const Setting& setting) { return setting.key == key; });
  return found == settings.end() ? nullptr : &*found;
}

const AllocatorDescriptor* find_descriptor(std::string_view name) {
  for (const auto& descriptor : all_descriptors()) {
    if (descriptor.name == name) return &descriptor;
  }
  return nullptr;
}

const AllocatorDescriptor* find_descriptor_of_library(std::string_view path) {
  const std::string file(path.substr(path.rfind('/') + 1));
  for (const auto& descriptor : all_descriptors()) {
    for (const auto pattern : descriptor.libraries) {
      // "libx.so.4" also stands for the file behind the link, "libx.so.4.5.10"
      const std::string exact(pattern);
      const std::string longer = exact + ".*";
      if (fnmatch(exact.c_str(), file.c_str(), 0) == 0) return &descriptor;
      if (fnmatch(longer.c_str(), file.c_str(), 0) == 0) return &descriptor;
    }
  }
  return nullptr;
}

std::vector<std::string_view> allocator_variables() {
  std::vector<std::string_view> patterns{"LD_PRELOAD"};
  for (const auto& descriptor : all_descriptors()) {
    for (const auto pattern : descriptor.variables) {
      if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) {
        patterns.push_back(pattern);
      }
    }
  }
  return patterns;
}

bool variable_matches(std::string_view pattern, std::string_view name) {
  if (!pattern.empty() && pattern.back() == '*') {
    pattern.remove_suffix(1);
    name = name.substr(0, pattern.size());
  }
  return equal_without_case(pattern, name);
}

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case Unit::kBytes:
      return "bytes";
    case Unit::kCount:
      return "count";
    case Unit::kMilliseconds:
      return "milliseconds";
    case Unit::kFlag:
      return "flag";
    case Unit::kReal:
      return "real";
    case Unit::kText:
      return "text";
  }
  return "";
}

}  // namespace heapwise

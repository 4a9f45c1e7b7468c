// Brings a spec together with this machine: finds the library, checks the settings, and writes the
// environment in which the allocator answers and nothing else does.
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "allocators/allocator.h"
#include "allocators/elf_library.h"
#include "allocators/package_database.h"
#include "allocators/setting_value.h"

namespace heapwise {
namespace {

#if defined(__x86_64__)
#define HEAPWISE_TRIPLET "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define HEAPWISE_TRIPLET "aarch64-linux-gnu"
#endif

constexpr std::array<std::string_view, 12> kLibraryDirectories{
    "/usr/local/lib/" HEAPWISE_TRIPLET,
    "/usr/local/lib",
    "/usr/lib/" HEAPWISE_TRIPLET,
    "/lib/" HEAPWISE_TRIPLET,
    "/usr/lib64",
    "/lib64",
    "/usr/lib",
    "/lib",
    "/usr/lib/llvm-*/lib/clang/*/lib/linux",
    "/usr/lib/llvm-*/lib/clang/*/lib/" HEAPWISE_TRIPLET,
    "/usr/lib/clang/*/lib/linux",
    "/usr/lib64/clang/*/lib/linux",
};

std::string joined(const std::vector<std::string>& words) {
  std::string list;
  for (const auto& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

std::vector<std::string> allocator_names() {
  std::vector<std::string> names;
  for (const auto& descriptor : all_descriptors()) {
    if (!descriptor.harness_own) names.emplace_back(descriptor.name);
  }
  names.emplace_back(kAsLinked);
  return names;
}

std::string real_path(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  std::string text = resolved == nullptr ? std::string() : resolved;
  std::free(resolved);
  return text;
}

/// The dynamic loader splits LD_PRELOAD at spaces and colons and expands '$'; nothing can quote
/// them.
void check_preloadable(const std::string& path) {
  if (path.find_first_of(" :$\t\n") == std::string::npos) return;
  throw UsageError("cannot preload '" + path +
                   "': LD_PRELOAD cannot carry a path with spaces, colons or '$'; copy or link the "
                   "library to a path without them");
}

void check_known_name(const Spec& spec) {
  if (find_descriptor(spec.name) != nullptr || !spec.path.empty()) return;
  const auto names = allocator_names();
  throw UsageError("unknown allocator '" + spec.name + "'" + did_you_mean(spec.name, names) +
                   "; known are " + joined(names) + "; your own library is named with its path: " +
                   spec.name + "=./lib" + spec.name + ".so");
}

ResolvedAllocator resolve_as_linked(const Spec& spec) {
  if (!spec.path.empty() || !spec.settings.empty()) {
    throw UsageError("'" + spec.text() +
                     "': as_linked runs the program with the malloc it was linked with and takes "
                     "neither a path nor settings; name the allocator to set something");
  }
  return {.spec = spec};
}

/// The PATH of a spec, checked. Throws UsageError.
void take_given_path(const Spec& spec, ResolvedAllocator& resolved) {
  errno = 0;
  const auto path = real_path(spec.path);
  if (const int error = errno; path.empty()) {
    throw UsageError("'" + spec.text() + "': cannot find '" + spec.path + "': " + strerror(error) +
                     "; give the path of a shared library that defines malloc");
  }
  const auto library = inspect_elf_library(path);
  if (!library.problem.empty()) {
    throw UsageError("'" + spec.text() + "': '" + spec.path + "' cannot be preloaded: " +
                     library.problem + "; give a 64-bit shared library built for this machine");
  }
  if (!library.defines_malloc) {
    throw UsageError("'" + spec.text() + "': '" + spec.path +
                     "' defines no malloc: the program would run on the C library's; link the "
                     "allocator as a shared library that exports malloc and free");
  }
  check_preloadable(path);
  resolved.library_path = path;
  resolved.build_id = library.build_id;
}

/// All files that match, the highest version first.
std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  std::sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) {
    return strverscmp(a.c_str(), b.c_str()) > 0;
  });
  return paths;
}

std::vector<std::string> candidates(const AllocatorDescriptor& descriptor,
                                    const std::string& parts_directory) {
  std::vector<std::string> paths;
  for (const auto name : descriptor.libraries) {
    if (descriptor.in_parts_directory) {
      paths.push_back(parts_directory + "/" + std::string(name));
      continue;
    }
    for (const auto directory : kLibraryDirectories) {
      const auto found = matches(std::string(directory) + "/" + std::string(name));
      paths.insert(paths.end(), found.begin(), found.end());
    }
  }
  return paths;
}

std::string missing_text(const AllocatorDescriptor& descriptor,
                         const std::string& parts_directory) {
  const std::string library(descriptor.libraries.front());
  if (descriptor.in_parts_directory) {
    return library + " is not in '" + parts_directory + "'; build it with: make build";
  }
  return library + " is not installed; install it with: apt-get install " +
         std::string(descriptor.package) + ", or name its path: " + std::string(descriptor.name) +
         "=/path/to/" + library;
}

void take_installed(const AllocatorDescriptor& descriptor, const std::string& parts_directory,
                    ResolvedAllocator& resolved) {
  for (const auto& candidate : candidates(descriptor, parts_directory)) {
    const auto path = real_path(candidate);
    if (path.empty()) continue;
    const auto library = inspect_elf_library(path);
    if (!library.problem.empty() || !library.defines_malloc) continue;
    check_preloadable(path);
    resolved.library_path = path;
    resolved.build_id = library.build_id;
    return;
  }
  resolved.missing = missing_text(descriptor, parts_directory);
}

const Setting& known_setting(const Spec& spec, const AllocatorDescriptor* descriptor,
                             const std::string& key) {
  if (descriptor == nullptr) {
    throw UsageError("'" + spec.text() + "': no settings of '" + spec.name +
                     "' are known; if it takes a known allocator's settings, borrow that name: "
                     "jemalloc=" +
                     spec.path + ":narenas=4");
  }
  if (descriptor->settings.empty()) throw UsageError(spec.name + " has no settings");
  if (const auto* setting = descriptor->find_setting(key)) return *setting;
  std::vector<std::string> keys;
  for (const auto& setting : descriptor->settings) keys.emplace_back(setting.key);
  throw UsageError(spec.name + " has no setting '" + key + "'" + did_you_mean(key, keys) +
                   "; it has " + joined(keys));
}

/// Adds one setting to the variable that carries it, which it may share with others.
void carry(const Setting& setting, const std::string& plain, std::vector<KeyValue>& environment) {
  const auto& carrier = setting.carrier;
  std::string value = plain;
  if (setting.unit == Unit::kFlag) value = plain == "1" ? carrier.on : carrier.off;
  if (!carrier.item.empty()) value = std::string(carrier.item) + carrier.assign + value;
  for (auto& [variable, held] : environment) {
    if (variable == carrier.variable) {
      held += carrier.separator + value;
      return;
    }
  }
  environment.push_back({std::string(carrier.variable), value});
}

}  // namespace

ResolvedAllocator resolve_allocator(const Spec& spec, const std::string& parts_directory) {
  if (spec.name == kAsLinked) return resolve_as_linked(spec);
  check_known_name(spec);
  ResolvedAllocator resolved{.spec = spec, .descriptor = find_descriptor(spec.name)};
  for (const auto& [key, text] : spec.settings) {
    const auto& setting = known_setting(spec, resolved.descriptor, key);
    carry(setting, plain_value(spec.name, setting, text), resolved.environment);
  }
  if (!spec.path.empty()) {
    take_given_path(spec, resolved);
  } else {
    take_installed(*resolved.descriptor, parts_directory, resolved);
  }
  const auto expected =
      resolved.descriptor == nullptr ? std::string_view{} : resolved.descriptor->package;
  if (!resolved.library_path.empty()) {
    resolved.package_version = find_package(resolved.library_path, expected).version;
  }
  return resolved;
}

}  // namespace heapwise

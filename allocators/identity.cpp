// The proof, from inside a process, of which allocator it runs on. Done before the measured region.
#include <sys/stat.h>

#include <cstring>

#include "allocators/allocator.h"
#include "allocators/ownership.h"
#include "allocators/package_database.h"
#include "allocators/reader.h"
#include "allocators/setting_report.h"
#include "bench/preload/malloc_provider.h"

namespace heapwise {
namespace {

bool same_file(const std::string& left, const std::string& right) {
  if (left == right) return true;
  struct stat a {};
  struct stat b {};
  return stat(left.c_str(), &a) == 0 && stat(right.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

std::string wrong_library(const Spec& spec, const std::string& expected,
                          const MallocProvider& provider) {
  const std::string found = provider.in_executable
                                ? std::string(provider.path) + ", the program itself, answers"
                                : std::string(provider.path) + " answers";
  return "expected " + spec.name + " (" + expected + ") to answer malloc, but " + found;
}

void read_version(const AllocatorDescriptor* descriptor, Identity& identity) {
  if (descriptor != nullptr) {
    identity.version = value_text(read_value(descriptor->version));
    identity.version_source = reader_source(descriptor->version);
    if (!identity.version.empty()) return;
    const auto package = find_package(identity.library_path, descriptor->package, true);
    identity.version = package.version;
    identity.version_source = "package " + std::string(descriptor->package);
    if (!identity.version.empty()) return;
  }
  identity.version = identity.build_id;
  identity.version_source = identity.build_id.empty() ? "none" : "build id";
}

}  // namespace

Identity identify_process(const Spec& spec, const std::string& expected_library) {
  Identity identity;
  MallocProvider provider{};
  if (!find_malloc_provider(provider)) {
    identity.contradiction = "cannot find out which library answers malloc in this process";
    return identity;
  }
  identity.library_path = provider.path;
  identity.build_id = provider.build_id;
  const auto* named = find_descriptor(spec.name);
  const auto* descriptor =
      named != nullptr ? named : find_descriptor_of_library(identity.library_path);
  if (!expected_library.empty() &&
      (provider.in_executable || !same_file(provider.path, expected_library))) {
    identity.contradiction = wrong_library(spec, expected_library, provider);
    descriptor = find_descriptor_of_library(identity.library_path);
    read_version(provider.in_executable ? nullptr : descriptor, identity);
    return identity;
  }
  read_version(provider.in_executable ? nullptr : descriptor, identity);
  if (named == nullptr) return identity;

  const auto finding = prove_ownership(named->ownership);
  if (finding.answer == OwnershipFinding::Answer::kForeign) {
    identity.contradiction = "expected objects of " + spec.name + " from " + identity.library_path +
                             ", but " + finding.text;
  }
  for (const auto& [key, value] : spec.settings) {
    if (const auto* setting = named->find_setting(key)) {
      identity.settings.push_back(read_setting(spec.name, *setting, value));
    }
  }
  return identity;
}

}  // namespace heapwise

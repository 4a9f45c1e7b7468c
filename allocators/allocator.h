// What the rest of the suite knows of an allocator: a descriptor (data), a resolution of a spec on
// this machine, and the identity a process proves. Nothing outside this folder tells one from
// another.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allocators/descriptor.h"
#include "bench/core/spec.h"

namespace heapwise {

/// A spec brought together with what is on this machine.
struct ResolvedAllocator {
  Spec spec = {};
  const AllocatorDescriptor* descriptor = nullptr;  // nullptr: the user's own (mine=./libmine.so)
  std::string library_path = {};  // absolute, links resolved; empty only when missing or as_linked
  std::string build_id = {};      // hexadecimal, empty where the library has none
  std::string package_version = {};        // Debian's, empty where no package owns the library
  std::string missing = {};                // not empty: why it cannot be loaded and what to install
  std::vector<KeyValue> environment = {};  // variables that carry the settings, as plain numbers
};

/// Finds the library and checks every setting's key, unit and range. `parts_directory` is where the
/// suite's own libraries lie. Throws UsageError for an unknown name, key or value and for a PATH
/// that is not a library; a library that is merely not installed is `missing`, not an error.
ResolvedAllocator resolve_allocator(const Spec& spec, const std::string& parts_directory);

/// The environment for a child: the parent's without MALLOC_*, GLIBC_TUNABLES, other allocators'
/// variables and LD_PRELOAD, then the allocator's settings and LD_PRELOAD = `preload_before`, the
/// allocator's library. Entries are "KEY=VALUE". `keep` names variables that are not taken out.
std::vector<std::string> child_environment(const ResolvedAllocator& allocator,
                                           std::span<const std::string> preload_before,
                                           std::span<const std::string> keep = {});

enum class Verdict { kVerified, kRequestedOnly, kContradicted };

struct SettingReport {
  std::string key = {};
  std::string requested = {};
  std::string read_back = {};  // empty where nothing could be read
  std::string source = {};     // how it was read: "mallctl opt.narenas", "behaviour: …", "none"
  Verdict verdict = Verdict::kRequestedOnly;
};

struct Identity {
  std::string library_path = {};
  std::string build_id = {};
  std::string version = {};
  std::string version_source = {};
  std::vector<SettingReport> settings = {};
  std::string contradiction = {};  // not empty: this is not the allocator of the spec
};

/// Which malloc answers in this process, what it says of itself, and whether a fresh object really
/// is its own (the descriptor's ownership reader). `expected_library` empty: anything goes.
Identity identify_process(const Spec& spec, const std::string& expected_library);

/// All settings of the spec: read back where the allocator can be asked, otherwise probed by
/// behaviour. Meant for a sibling process with the same environment and one thread: the probes run
/// in its forks.
std::vector<SettingReport> verify_settings_by_behaviour(const Spec& spec);

nlohmann::json to_json(const Identity& identity);
nlohmann::json to_json(const SettingReport& report);
std::vector<SettingReport> settings_from_json(const nlohmann::json& settings);

}  // namespace heapwise

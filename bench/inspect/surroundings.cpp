#include "bench/inspect/surroundings.h"

#include "bench/inspect/keyed_text.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

std::string text_of(const CgroupFiles& files, const std::string& path) {
  return files.read(path).value_or("");
}

struct CgroupFileNames {
  const char* limit;
  const char* use;
};

CgroupFileNames names_of(CgroupVersion version) {
  if (version == CgroupVersion::kV2) return {"/memory.max", "/memory.current"};
  return {"/memory.limit_in_bytes", "/memory.usage_in_bytes"};
}

/// "max" of v2 is no number, and what v1 writes without a limit is more than any machine has.
std::optional<Bytes> limit_in(const std::string& text) {
  constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;
  const auto number = leading_number(text);
  return number && *number < kNoLimit ? std::optional(Bytes{*number}) : std::nullopt;
}

Bytes room_in(const CgroupMemory& group) {
  return *group.limit > group.use ? *group.limit - group.use : Bytes{};
}

/// The group in `folder`, or nothing where its files cannot be read: the root of v2 has none.
std::optional<CgroupMemory> read_group(const CgroupFiles& files, CgroupVersion version,
                                       const std::string& folder) {
  const auto names = names_of(version);
  const auto use = leading_number(text_of(files, folder + names.use));
  if (!use) return std::nullopt;
  return CgroupMemory{.version = version,
                      .folder = folder,
                      .use = {*use},
                      .limit = limit_in(text_of(files, folder + names.limit))};
}

std::optional<CgroupMemory> read_cgroup(const CgroupFiles& files, pid_t process) {
  const auto membership = text_of(files, "/proc/" + std::to_string(process) + "/cgroup");
  CgroupLocation location{};
  try {
    location = locate_memory_cgroup(membership, text_of(files, "/proc/self/mountinfo"));
  } catch (const RunError&) {
    return std::nullopt;  // there are no memory cgroups, or this one cannot be seen from here
  }
  auto tightest = read_group(files, location.version, location.folder);
  auto folder = location.folder;
  while (true) {
    folder = folder.substr(0, folder.rfind('/'));
    const auto around = folder.empty() ? std::nullopt : read_group(files, location.version, folder);
    if (!around) return tightest;
    const bool is_tighter =
        around->limit && (!tightest || !tightest->limit || room_in(*around) < room_in(*tightest));
    if (is_tighter) tightest = around;
  }
}

}  // namespace

Surroundings read_surroundings(const CgroupFiles& files, pid_t process) {
  const auto status = text_of(files, "/proc/" + std::to_string(process) + "/status");
  const auto system_memory = text_of(files, "/proc/meminfo");
  return {
      .huge_pages = chosen_of(text_of(files, "/sys/kernel/mm/transparent_hugepage/enabled")),
      .process_takes_huge_pages = number_of(status, "THP_enabled").value_or(1) != 0,
      .overcommit = leading_number(text_of(files, "/proc/sys/vm/overcommit_memory")),
      .committed = bytes_of(system_memory, "Committed_AS"),
      .commit_limit = bytes_of(system_memory, "CommitLimit"),
      .memory = bytes_of(system_memory, "MemTotal"),
      .available = bytes_of(system_memory, "MemAvailable"),
      .swap = bytes_of(system_memory, "SwapTotal"),
      .mappings_limit = leading_number(text_of(files, "/proc/sys/vm/max_map_count")).value_or(0),
      .cgroup = read_cgroup(files, process)};
}

}  // namespace heapwise

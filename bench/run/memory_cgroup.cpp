#include "bench/run/memory_cgroup.h"

#include <fmt/format.h>

#include <cstring>
#include <sstream>

#include "bench/run/run_error.h"

namespace heapwise {

MemoryCgroup::MemoryCgroup(CgroupFiles& files, const CgroupLocation& parent, Bytes limit)
    : files_(files), version_(parent.version), folder_(files, parent.folder) {
  const auto file =
      folder_.file(version_ == CgroupVersion::kV1 ? "memory.limit_in_bytes" : "memory.max");
  const int error = files_.write(file, std::to_string(limit.value));
  if (error == 0) return;
  throw RunError(no_memory_limit(
      fmt::format("cannot write {} into {}: {}", limit.value, file, std::strerror(error)),
      "give another limit, or run where the memory controller is in use"));
}

MemoryPressure MemoryCgroup::pressure() const {
  const bool is_v1 = version_ == CgroupVersion::kV1;
  MemoryPressure pressure;
  pressure.kills_count = number_in(is_v1 ? "memory.oom_control" : "memory.events", "oom_kill");
  pressure.limit_hits_count =
      is_v1 ? number_in("memory.failcnt") : number_in("memory.events", "max");
  if (const auto peak = number_in(is_v1 ? "memory.max_usage_in_bytes" : "memory.peak")) {
    pressure.peak = Bytes{*peak};
  }
  return pressure;
}

std::optional<std::uint64_t> MemoryCgroup::number_in(const std::string& name) const {
  std::istringstream stream(files_.read(folder_.file(name)).value_or(""));
  std::uint64_t number = 0;
  if (!(stream >> number)) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> MemoryCgroup::number_in(const std::string& name,
                                                     const std::string& key) const {
  std::istringstream stream(files_.read(folder_.file(name)).value_or(""));
  std::string word;
  for (std::uint64_t number = 0; stream >> word >> number;) {
    if (word == key) return number;
  }
  return std::nullopt;
}

}  // namespace heapwise

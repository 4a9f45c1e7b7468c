#include "bench/run/environment.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "allocators/elf_library.h"
#include "bench/run/digest.h"

namespace heapwise {
namespace {

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

Json text_or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}

/// The value after `key` and a colon in files like /proc/cpuinfo.
std::optional<std::string> field(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const auto value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? std::string() : line.substr(value);
  }
  return std::nullopt;
}

/// A line of /proc/meminfo, which counts in kB.
std::uint64_t memory_field(const std::string& key) {
  return std::stoull(field("/proc/meminfo", key).value_or("0")) * kKiB.value;
}

/// The choice in square brackets: `always [madvise] never`.
std::optional<std::string> chosen(const std::optional<std::string>& line) {
  if (!line) return std::nullopt;
  const auto open = line->find('[');
  const auto close = line->find(']');
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;
  return line->substr(open + 1, close - open - 1);
}

bool is_virtualized() {
  std::istringstream flags(field("/proc/cpuinfo", "flags").value_or(""));
  for (std::string flag; flags >> flag;) {
    if (flag == "hypervisor") return true;
  }
  return false;
}

std::string hostname_hash() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  Digest digest;
  digest.add(name.data());
  return digest.text();
}

/// What every measured process runs on besides its allocator; the worker is linked as this program.
constexpr std::array kRuntimeLibraries = {"libc.so.6", "libstdc++.so.6"};

/// The build ids of the runtime libraries by name; a digest of the file where one has none.
Json runtime_libraries() {
  Json found = Json::object();
  const auto add = [](dl_phdr_info* object, std::size_t, void* into) {
    const std::string path = object->dlpi_name;
    const auto name = path.substr(path.rfind('/') + 1);
    if (std::ranges::count(kRuntimeLibraries, name) == 0) return 0;
    const auto build_id = inspect_elf_library(path).build_id;
    (*static_cast<Json*>(into))[name] = build_id.empty() ? digest_file(path).digest : build_id;
    return 0;
  };
  dl_iterate_phdr(add, &found);
  return found;
}

constexpr const char* kBuildType =
#ifdef NDEBUG
    "release";
#else
    "debug";
#endif

constexpr const char* kCompiler =
#ifdef __clang__
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

}  // namespace

Json read_environment() {
  utsname system{};
  uname(&system);
  const std::string kCpuFolder = "/sys/devices/system/cpu/cpu0/cpufreq/";
  return {{"hostname_hash", hostname_hash()},
          {"kernel", fmt::format("{} {}", system.sysname, system.release)},
          {"cpu_model", field("/proc/cpuinfo", "model name").value_or(system.machine)},
          {"cpus_count", sysconf(_SC_NPROCESSORS_ONLN)},
          {"memory_bytes", memory_field("MemTotal:")},
          {"swap_bytes", memory_field("SwapTotal:")},
          {"page_bytes", sysconf(_SC_PAGESIZE)},
          {"thp", text_or_null(chosen(first_line("/sys/kernel/mm/transparent_hugepage/enabled")))},
          {"overcommit", text_or_null(first_line("/proc/sys/vm/overcommit_memory"))},
          {"governor", text_or_null(first_line(kCpuFolder + "scaling_governor"))},
          {"isa", std::string(system.machine)},
          {"libc", fmt::format("glibc {}", gnu_get_libc_version())},
          {"libraries", runtime_libraries()},
          {"compiler", kCompiler},
          {"compiler_flags", HEAPWISE_COMPILER_FLAGS},
          {"build_type", kBuildType},
          {"virtualized", is_virtualized()}};
}

Bytes available_memory() {
  auto available = memory_field("MemAvailable:");
  const auto limit = first_line("/sys/fs/cgroup/memory.max");
  const auto used = first_line("/sys/fs/cgroup/memory.current");
  if (limit && used && *limit != "max") {
    const auto most = std::stoull(*limit);
    available = std::min<std::uint64_t>(available,
                                        most - std::min<std::uint64_t>(most, std::stoull(*used)));
  }
  return {available};
}

}  // namespace heapwise

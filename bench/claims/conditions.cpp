#include "bench/claims/conditions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr std::int64_t kSmallPageBytes = 4096;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The word in brackets, as in "always [madvise] never".
std::string chosen_word(const std::string& words) {
  const auto begin = words.find('[');
  const auto end = words.find(']');
  if (begin == std::string::npos || end == std::string::npos) return "";
  return words.substr(begin + 1, end - begin - 1);
}

/// A line for each swap area behind the heading.
bool has_swap_area() {
  const auto swaps = read_file("/proc/swaps");
  return std::ranges::count(swaps, '\n') > 1;
}

bool has_seccomp_filter() {
  const auto status = read_file("/proc/self/status");
  const auto at = status.find("Seccomp:\t");
  return at != std::string::npos && status[at + std::string_view("Seccomp:\t").size()] != '0';
}

std::vector<std::string> malloc_settings_in(const std::vector<std::string>& environment) {
  constexpr std::array<std::string_view, 3> kPrefixes{"GLIBC_TUNABLES=", "MALLOC_", "LD_PRELOAD="};
  std::vector<std::string> found;
  for (const auto& entry : environment) {
    if (std::ranges::any_of(kPrefixes, [&](auto prefix) { return entry.starts_with(prefix); })) {
      found.push_back(entry);
    }
  }
  return found;
}

std::string why_not_glibc(const Conditions& here) {
  const auto name = here.malloc_library.substr(here.malloc_library.rfind('/') + 1);
  if (name.starts_with("libc.so") || name.starts_with("libc-")) return "";
  return fmt::format(
      "malloc is answered by {}, not by the C library; look into LD_PRELOAD and /etc/ld.so.preload",
      here.malloc_library);
}

}  // namespace

std::string Conditions::why_not(Need need) const {
  switch (need) {
    case Need::kGlibcMalloc:
      return why_not_glibc(*this);
    case Need::kDefaultSettings:
      if (malloc_settings.empty()) return "";
      return fmt::format("malloc has settings here: {}; unset them",
                         fmt::join(malloc_settings, " "));
    case Need::kSmallPages:
      if (page_bytes == kSmallPageBytes) return "";
      return fmt::format("pages have {} bytes here, not 4096", page_bytes);
    case Need::kNoHugePageAlways:
      if (huge_pages != "always") return "";
      return "transparent huge pages are given always; as root: echo madvise > "
             "/sys/kernel/mm/transparent_hugepage/enabled";
    case Need::kHugePageOnDemand:
      if (huge_pages == "madvise") return "";
      return fmt::format(
          "transparent huge pages are '{}' here, not given on demand; as root: echo madvise > "
          "/sys/kernel/mm/transparent_hugepage/enabled",
          huge_pages.empty() ? "not in the kernel" : huge_pages);
    case Need::kX86_64:
      return machine == "x86_64" ? "" : fmt::format("the machine is {}, not x86_64", machine);
  }
  return "";
}

Conditions read_conditions(ExperimentRunner& runner, const std::vector<std::string>& environment) {
  const auto told = runner.run({.name = "conditions"});
  if (!told.ended()) {
    throw RunError(fmt::format(
        "cannot run experiments: heapwise-experiment ended with exit code {}, signal {}: {}",
        told.exit_code, told.signal, told.errors));
  }
  return {.libc_version = told.text("libc_version"),
          .machine = told.text("machine"),
          .kernel = told.text("kernel"),
          .malloc_library = told.text("malloc_library"),
          .huge_pages = chosen_word(read_file("/sys/kernel/mm/transparent_hugepage/enabled")),
          .page_bytes = told.value("page_bytes"),
          .is_root = told.value("user_id") == 0,
          .has_swap = has_swap_area(),
          .has_seccomp = has_seccomp_filter(),
          .malloc_settings = malloc_settings_in(environment)};
}

Json to_json(const Conditions& conditions) {
  return {{"libc_version", conditions.libc_version},
          {"machine", conditions.machine},
          {"kernel", conditions.kernel},
          {"malloc_library", conditions.malloc_library},
          {"huge_pages", conditions.huge_pages},
          {"page_bytes", conditions.page_bytes},
          {"is_root", conditions.is_root},
          {"has_swap", conditions.has_swap},
          {"has_seccomp", conditions.has_seccomp},
          {"malloc_settings", conditions.malloc_settings}};
}

}  // namespace heapwise

#include "bench/run/cgroup_location.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <vector>

#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr const char* kController = "memory";

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool names_controller(const std::string& list) {
  return std::ranges::count(split(list, ','), kController) > 0;
}

struct Membership {
  CgroupVersion version;
  std::string path;
};

/// A line is NUMBER:CONTROLLERS:PATH; the path may hold colons.
std::optional<Membership> find_membership(const std::string& text) {
  std::optional<Membership> unified;
  for (const auto& line : split(text, '\n')) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto path = line.substr(second + 1);
    if (names_controller(controllers)) return Membership{CgroupVersion::kV1, path};
    if (controllers.empty()) unified = Membership{CgroupVersion::kV2, path};
  }
  return unified;
}

/// mountinfo writes blanks and backslashes as `\040`.
std::string unescaped(const std::string& text) {
  constexpr std::size_t kDigits = 3;
  constexpr int kOctal = 8;
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + kDigits < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(at + 1, kDigits), nullptr, kOctal));
      at += kDigits;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

struct Mount {
  std::string root;  // of the hierarchy: what is mounted here
  std::string point;
  std::string type;
  std::string options;  // of the file system: a v1 hierarchy's controllers are among them
};

/// NUMBER PARENT DEVICE ROOT POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS
std::optional<Mount> parse_mount(const std::string& line) {
  constexpr std::size_t kRoot = 3;
  constexpr std::size_t kPoint = 4;
  constexpr std::ptrdiff_t kFieldsBehindDash = 3;
  const auto fields = split(line, ' ');
  const auto dash = std::ranges::find(fields, "-");
  if (dash - fields.begin() <= static_cast<std::ptrdiff_t>(kPoint) ||
      fields.end() - dash <= kFieldsBehindDash) {
    return std::nullopt;
  }
  return Mount{unescaped(fields[kRoot]), unescaped(fields[kPoint]), dash[1], dash[3]};
}

bool is_of(const Mount& mount, CgroupVersion version) {
  if (version == CgroupVersion::kV2) return mount.type == "cgroup2";
  return mount.type == "cgroup" && names_controller(mount.options);
}

/// Nothing where the group lies outside of what is mounted.
std::optional<std::string> folder_below(const Mount& mount, const std::string& path) {
  if (path.starts_with("/..")) return std::nullopt;  // of another cgroup namespace
  const auto root = mount.root == "/" ? std::string() : mount.root;
  if (!path.starts_with(root)) return std::nullopt;
  const auto rest = path.substr(root.size());
  if (rest.empty() || rest == "/") return mount.point;
  if (rest.front() != '/') return std::nullopt;
  return mount.point + rest;
}

}  // namespace

CgroupLocation locate_memory_cgroup(const std::string& cgroup, const std::string& mountinfo) {
  const auto membership = find_membership(cgroup);
  if (!membership) {
    throw RunError(no_memory_limit("this kernel has no memory cgroups",
                                   "boot one that has, without cgroup_disable=memory"));
  }
  for (const auto& line : split(mountinfo, '\n')) {
    const auto mount = parse_mount(line);
    if (!mount || !is_of(*mount, membership->version)) continue;
    if (auto folder = folder_below(*mount, membership->path)) {
      return {membership->version, std::move(*folder)};
    }
  }
  throw RunError(
      no_memory_limit("the memory cgroup of this process, " + membership->path +
                          ", is not to be seen in any mounted cgroup file system",
                      "mount it (mount -t cgroup2 none /sys/fs/cgroup), or run outside of the "
                      "container"));
}

std::string no_memory_limit(const std::string& missing, const std::string& remedy) {
  return "a memory limit is not possible here: " + missing + "; " + remedy;
}

}  // namespace heapwise

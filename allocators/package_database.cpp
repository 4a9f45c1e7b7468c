#include "allocators/package_database.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace heapwise {
namespace {

namespace fs = std::filesystem;

std::string read_whole(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file) content << file.rdbuf();
  return std::move(content).str();
}

/// The path as a merged and as an unmerged system's lists spell it.
std::vector<std::string> spellings(const std::string& path) {
  constexpr std::string_view kUsr = "/usr";
  if (path.starts_with("/usr/lib")) return {path, path.substr(kUsr.size())};
  if (path.starts_with("/lib")) return {path, std::string(kUsr) + path};
  return {path};
}

bool lists(const fs::path& list, const std::vector<std::string>& paths) {
  const std::string content = "\n" + read_whole(list);
  return std::any_of(paths.begin(), paths.end(), [&content](const std::string& path) {
    return content.find("\n" + path + "\n") != std::string::npos;
  });
}

/// "libc6:amd64" of ".../libc6:amd64.list"; empty for other files.
std::string package_of_list(const fs::path& list) {
  return list.extension() == ".list" ? list.stem().string() : std::string();
}

std::string without_architecture(const std::string& package) {
  return package.substr(0, package.find(':'));
}

std::string field(std::string_view stanza, std::string_view name) {
  const std::string start = "\n" + std::string(name) + ": ";
  const auto begin = stanza.find(start);
  if (begin == std::string_view::npos) return {};
  const auto value = stanza.substr(begin + start.size());
  return std::string(value.substr(0, value.find('\n')));
}

std::string version_of(const std::string& package, const std::string& database) {
  const auto name = without_architecture(package);
  const auto architecture = package.size() > name.size() ? package.substr(name.size() + 1) : "";
  const std::string status = "\n" + read_whole(fs::path(database) / "status");
  const std::string start = "\nPackage: " + name + "\n";
  for (auto at = status.find(start); at != std::string::npos; at = status.find(start, at + 1)) {
    const auto end = status.find("\n\n", at + 1);
    const auto stanza = std::string_view(status).substr(at, end - at);
    if (architecture.empty() || field(stanza, "Architecture") == architecture) {
      return field(stanza, "Version");
    }
  }
  return {};
}

}  // namespace

Package find_package(const std::string& path, std::string_view expected, bool expected_only,
                     const std::string& database) {
  constexpr std::array<std::string_view, 3> kPackagedTrees{"/usr/", "/lib", "/opt/"};
  const auto within = [&path](std::string_view tree) { return path.starts_with(tree); };
  if (std::none_of(kPackagedTrees.begin(), kPackagedTrees.end(), within)) return {};

  std::error_code unreadable;
  std::vector<fs::path> likely;
  std::vector<fs::path> others;
  for (fs::directory_iterator entry(fs::path(database) / "info", unreadable), end;
       !unreadable && entry != end; entry.increment(unreadable)) {
    const auto package = package_of_list(entry->path());
    if (package.empty()) continue;
    (without_architecture(package) == expected ? likely : others).push_back(entry->path());
  }
  if (!expected_only) likely.insert(likely.end(), others.begin(), others.end());
  const auto paths = spellings(path);
  for (const auto& list : likely) {
    if (!lists(list, paths)) continue;
    const auto name = package_of_list(list);
    return {.name = name, .version = version_of(name, database)};
  }
  return {};
}

}  // namespace heapwise

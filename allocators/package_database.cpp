#include "allocators/package_database.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "allocators/mapped_file.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

#if defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
constexpr std::string_view kArchitecture = "amd64";
#endif

/// The path as a merged and as an unmerged system's lists spell it.
std::vector<std::string> spellings(const std::string& path) {
  constexpr std::string_view kUsr = "/usr";
  if (path.starts_with("/usr/lib")) return {path, path.substr(kUsr.size())};
  if (path.starts_with("/lib")) return {path, std::string(kUsr) + path};
  return {path};
}

/// Whether `content` has `line` as a whole line.
bool has_line(std::string_view content, std::string_view line) {
  for (auto at = content.find(line); at != std::string_view::npos;
       at = content.find(line, at + 1)) {
    const auto end = at + line.size();
    const bool begins = at == 0 || content[at - 1] == '\n';
    if (begins && (end == content.size() || content[end] == '\n')) return true;
  }
  return false;
}

bool lists(const std::string& list, const std::vector<std::string>& paths) {
  const MappedFile file(list);
  return std::any_of(paths.begin(), paths.end(),
                     [&file](const std::string& path) { return has_line(file.content(), path); });
}

std::string_view without_architecture(std::string_view package) {
  return package.substr(0, package.find(':'));
}

std::string_view field(std::string_view stanza, const std::string& name) {
  const auto begin = stanza.find("\n" + name + ": ");
  if (begin == std::string_view::npos) return {};
  const auto value = stanza.substr(begin + name.size() + 3);
  return value.substr(0, value.find('\n'));
}

std::string version_of(std::string_view package, const std::string& database) {
  const std::string name(without_architecture(package));
  const auto architecture =
      package.size() > name.size() ? package.substr(name.size() + 1) : std::string_view{};
  const MappedFile status(database + "/status");
  const auto content = status.content();
  const std::string start = "Package: " + name + "\n";
  for (auto at = content.find(start); at != std::string_view::npos;
       at = content.find(start, at + 1)) {
    if (at != 0 && content[at - 1] != '\n') continue;
    const auto stanza = content.substr(at, content.find("\n\n", at) - at);
    if (architecture.empty() || field(stanza, "Architecture") == architecture) {
      return std::string(field(stanza, "Version"));
    }
  }
  return {};
}

std::string list_of(const std::string& database, const std::string& package) {
  return database + "/info/" + package + ".list";
}

/// The package among all that are installed; reads every list.
std::string search_all(const std::vector<std::string>& paths, const std::string& database) {
  std::error_code unreadable;
  for (fs::directory_iterator entry(database + "/info", unreadable), end;
       !unreadable && entry != end; entry.increment(unreadable)) {
    const auto& list = entry->path();
    if (list.extension() == ".list" && lists(list.string(), paths)) return list.stem().string();
  }
  return {};
}

}  // namespace

Package find_package(const std::string& path, std::string_view expected, bool expected_only,
                     const std::string& database) {
  constexpr std::array<std::string_view, 3> kPackagedTrees{"/usr/", "/lib", "/opt/"};
  const auto within = [&path](std::string_view tree) { return path.starts_with(tree); };
  if (std::none_of(kPackagedTrees.begin(), kPackagedTrees.end(), within)) return {};

  const auto paths = spellings(path);
  const std::string plain(expected);
  for (const auto& package : {plain + ":" + std::string(kArchitecture), plain}) {
    if (!expected.empty() && lists(list_of(database, package), paths)) {
      return {.name = package, .version = version_of(package, database)};
    }
  }
  if (expected_only) return {};
  const auto package = search_all(paths, database);
  return {.name = package, .version = package.empty() ? "" : version_of(package, database)};
}

}  // namespace heapwise

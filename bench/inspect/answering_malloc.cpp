#include "bench/inspect/answering_malloc.h"

#include <algorithm>
#include <filesystem>

#include "allocators/descriptor.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view allocator_of(const std::string& path) {
  const auto* descriptor = find_descriptor_of_library(path);
  return descriptor == nullptr ? std::string_view() : descriptor->name;
}

bool is_c_library(const std::string& path) {
  return allocator_of(path) == "glibc" || file_name(path).starts_with("ld-musl-");
}

/// The loader's own malloc serves it alone.
bool is_loader(const std::string& path) {
  return file_name(path).starts_with("ld-linux") || file_name(path).starts_with("ld64.so");
}

/// Those that LD_PRELOAD names come first, in its order; then those that are known as allocators.
class SearchOrder {
 public:
  explicit SearchOrder(const std::vector<std::string>& preloaded) : preloaded_(preloaded) {}

  bool is_preloaded(const std::string& path) const { return rank(path) < preloaded_.size(); }

  std::size_t rank(const std::string& path) const {
    const auto named = std::ranges::find_if(
        preloaded_, [&](const std::string& name) { return is_same_library(name, path); });
    const auto place = static_cast<std::size_t>(named - preloaded_.begin());
    return place < preloaded_.size() || !allocator_of(path).empty() ? place : place + 1;
  }

 private:
  const std::vector<std::string>& preloaded_;
};

}  // namespace

std::string_view word_of(MallocOrigin origin) {
  switch (origin) {
    case MallocOrigin::kCLibrary:
      return "c_library";
    case MallocOrigin::kProgram:
      return "program";
    case MallocOrigin::kPreloaded:
      return "preloaded";
    case MallocOrigin::kLibrary:
      return "library";
    case MallocOrigin::kUnknown:
      return "unknown";
  }
  return "";
}

bool AnsweringMalloc::is_glibc() const {
  return allocator == "glibc";
}

std::vector<std::string> code_files(const std::vector<MemoryMapping>& mappings) {
  std::vector<std::string> files;
  for (const auto& mapping : mappings) {
    const bool is_code = mapping.permissions.find('x') != std::string::npos;
    if (!is_code || !mapping.name.starts_with("/")) continue;
    if (std::ranges::count(files, mapping.name) == 0) files.push_back(mapping.name);
  }
  return files;
}

std::vector<std::string> preloaded_libraries(std::string_view preload) {
  std::vector<std::string> libraries;
  while (!preload.empty()) {
    const auto length = std::min(preload.find_first_of(" :"), preload.size());
    if (length > 0) libraries.emplace_back(preload.substr(0, length));
    preload.remove_prefix(std::min(length + 1, preload.size()));
  }
  return libraries;
}

bool is_same_library(const std::string& named, const std::string& mapped) {
  // "libx.so" is as a rule a link to "libx.so.2" beside it, whose name the kernel tells.
  if (file_name(mapped).starts_with(file_name(named))) return true;
  std::error_code ignored;
  return fs::canonical(named, ignored) == fs::path(mapped);
}

AnsweringMalloc find_answering_malloc(const std::vector<std::string>& files,
                                      const std::string& executable,
                                      const std::vector<std::string>& preloaded,
                                      const std::function<bool(const std::string&)>& exports) {
  if (exports(executable)) return {.origin = MallocOrigin::kProgram, .library_path = executable};
  const SearchOrder order(preloaded);
  auto libraries = files;
  std::erase_if(libraries, [&](const std::string& path) {
    return path == executable || is_loader(path) ||
           (is_c_library(path) && !order.is_preloaded(path));
  });
  std::ranges::stable_sort(libraries, {},
                           [&](const std::string& path) { return order.rank(path); });
  const auto first = std::ranges::find_if(libraries, exports);
  if (first != libraries.end()) {
    const bool is_preloaded = order.is_preloaded(*first);
    return {.origin = is_preloaded ? MallocOrigin::kPreloaded : MallocOrigin::kLibrary,
            .allocator = std::string(allocator_of(*first)),
            .library_path = *first};
  }
  const auto c_library = std::ranges::find_if(files, is_c_library);
  if (c_library == files.end()) return {};
  return {.origin = MallocOrigin::kCLibrary,
          .allocator = std::string(allocator_of(*c_library)),
          .library_path = *c_library};
}

std::vector<KeyValue> malloc_settings(std::string_view environment) {
  const auto patterns = allocator_variables();
  std::vector<KeyValue> settings;
  while (!environment.empty()) {
    const auto entry = environment.substr(0, environment.find('\0'));
    environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = entry.substr(0, equals);
    const auto matches = [name](auto pattern) { return variable_matches(pattern, name); };
    if (!std::ranges::any_of(patterns, matches)) continue;
    settings.push_back({std::string(name), std::string(entry.substr(equals + 1))});
  }
  return settings;
}

const std::string* find_setting(const std::vector<KeyValue>& settings, std::string_view name) {
  const auto found = std::ranges::find(settings, name, &KeyValue::key);
  return found == settings.end() ? nullptr : &found->value;
}

}  // namespace heapwise

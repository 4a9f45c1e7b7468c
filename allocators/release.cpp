#include "allocators/release.h"

#include "allocators/loaded_function.h"

namespace heapwise {
namespace {

template <class Function, class... Arguments>
bool call_loaded(std::string_view name, Arguments... arguments) {
  auto* function = find_loaded<Function>(name);
  if (function == nullptr) return false;
  function(arguments...);
  return true;
}

bool call(const Release& release, std::string_view name) {
  switch (release.kind) {
    case ReleaseKind::kNone:
      return false;
    case ReleaseKind::kSizeFunction:
      return call_loaded<int(std::size_t)>(name, std::size_t{0});
    case ReleaseKind::kBooleanFunction:
      return call_loaded<void(bool)>(name, true);
    case ReleaseKind::kFunction:
      return call_loaded<void()>(name);
    case ReleaseKind::kCommandFunction:
      return call_loaded<int(int, void*)>(name, release.argument, nullptr);
    case ReleaseKind::kOptionFunction:
      return call_loaded<int(int, int)>(name, release.argument, 0);
    case ReleaseKind::kMallctl:
      break;
  }
  auto* mallctl = find_loaded<Mallctl>("mallctl");
  return mallctl != nullptr && mallctl(name.data(), nullptr, nullptr, nullptr, 0) == 0;
}

std::string text(const Release& release, std::string_view called) {
  const std::string name(called);
  const auto argument = std::to_string(release.argument);
  switch (release.kind) {
    case ReleaseKind::kNone:
      return "none";
    case ReleaseKind::kSizeFunction:
      return name + "(0)";
    case ReleaseKind::kBooleanFunction:
      return name + "(true)";
    case ReleaseKind::kFunction:
      return name + "()";
    case ReleaseKind::kCommandFunction:
      return name + "(" + argument + ", NULL)";
    case ReleaseKind::kOptionFunction:
      return name + "(" + argument + ", 0)";
    case ReleaseKind::kMallctl:
      break;
  }
  return "mallctl " + name;
}

}  // namespace

bool release_memory(const Release& release) {
  // A flush that fails found no cache to empty.
  if (!release.flush.empty()) call(release, release.flush);
  return call(release, release.name);
}

std::string release_text(const Release& release) {
  const auto released = text(release, release.name);
  return release.flush.empty() ? released : text(release, release.flush) + ", " + released;
}

}  // namespace heapwise

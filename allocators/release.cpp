#include "allocators/release.h"

#include "allocators/loaded_function.h"

namespace heapwise {
namespace {

template <class Function, class... Arguments>
bool call(std::string_view name, Arguments... arguments) {
  auto* function = find_loaded<Function>(name);
  if (function == nullptr) return false;
  function(arguments...);
  return true;
}

}  // namespace

bool release_memory(const Release& release) {
  switch (release.kind) {
    case ReleaseKind::kNone:
      return false;
    case ReleaseKind::kSizeFunction:
      return call<int(std::size_t)>(release.name, std::size_t{0});
    case ReleaseKind::kBooleanFunction:
      return call<void(bool)>(release.name, true);
    case ReleaseKind::kFunction:
      return call<void()>(release.name);
    case ReleaseKind::kCommandFunction:
      return call<int(int, void*)>(release.name, release.argument, nullptr);
    case ReleaseKind::kOptionFunction:
      return call<int(int, int)>(release.name, release.argument, 0);
    case ReleaseKind::kMallctl:
      break;
  }
  auto* mallctl = find_loaded<Mallctl>("mallctl");
  return mallctl != nullptr && mallctl(release.name.data(), nullptr, nullptr, nullptr, 0) == 0;
}

std::string release_text(const Release& release) {
  const std::string name(release.name);
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

}  // namespace heapwise

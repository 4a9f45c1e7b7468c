#include "bench/claims/mechanism_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "allocators/release.h"

namespace heapwise {
namespace {

constexpr std::array kReleasedBlocks{"64", "4096", "1048576"};
constexpr std::array kUses{"idle", "ticks"};
constexpr std::array kOneRunEach{
    "mechanism_overhead",  "mechanism_own_mapping", "mechanism_threads",
    "mechanism_alignment", "mechanism_contents",    "mechanism_exhaustion",
    "mechanism_misuse",    "mechanism_edges",       "mechanism_fork"};

std::string kind_word(ReleaseKind kind) {
  switch (kind) {
    case ReleaseKind::kNone:
      return "";
    case ReleaseKind::kSizeFunction:
      return "size";
    case ReleaseKind::kBooleanFunction:
      return "boolean";
    case ReleaseKind::kFunction:
      return "function";
    case ReleaseKind::kCommandFunction:
      return "command";
    case ReleaseKind::kOptionFunction:
      return "option";
    case ReleaseKind::kMallctl:
      return "mallctl";
  }
  return "";
}

/// KIND NAME ARGUMENT [FLUSH], as mechanism_release takes it.
std::vector<std::string> release_words(const ResolvedAllocator& allocator) {
  if (allocator.descriptor == nullptr) return {};
  const auto& release = allocator.descriptor->release;
  if (release.kind == ReleaseKind::kNone) return {};
  std::vector<std::string> words{kind_word(release.kind), std::string(release.name),
                                 std::to_string(release.argument)};
  if (!release.flush.empty()) words.emplace_back(release.flush);
  return words;
}

}  // namespace

const Evidence& Told::of(const std::string& key) const {
  const auto found = runs.find(key);
  if (found == runs.end()) throw MissingEvidence(fmt::format("'{}' was not run", key));
  const auto& evidence = found->second;
  if (!evidence.refused.empty())
    throw MissingEvidence(fmt::format("refused: {}", evidence.refused));
  return evidence;
}

double Told::at(const std::string& key, const std::string& curve, double x) const {
  const auto& points = of(key).curve(curve);
  const auto found =
      std::ranges::find_if(points, [x](const CurvePoint& point) { return point.x == x; });
  if (found != points.end()) return found->y;
  throw MissingEvidence(fmt::format("no '{}' at {} in {}", curve, x, key));
}

std::string Told::message(const std::string& key, const std::string& name) const {
  const auto& texts = of(key).texts;
  const auto found = texts.find(name + "_message");
  return found == texts.end() ? "" : found->second;
}

std::vector<MechanismRun> mechanism_runs(const ResolvedAllocator& allocator) {
  std::vector<MechanismRun> runs;
  const auto release = release_words(allocator);
  for (const std::string block : kReleasedBlocks) {
    for (const std::string use : kUses) {
      std::vector<std::string> arguments{block, use};
      arguments.insert(arguments.end(), release.begin(), release.end());
      runs.push_back({.key = fmt::format("mechanism_release {} {}", block, use),
                      .request = {.name = "mechanism_release", .arguments = std::move(arguments)},
                      .sleeps = true});
    }
  }
  for (const std::string name : kOneRunEach)
    runs.push_back({.key = name, .request = {.name = name}});
  return runs;
}

const std::vector<Mechanism>& all_mechanisms() {
  static const auto kAll = [] {
    auto all = memory_mechanisms();
    for (auto& mechanism : conduct_mechanisms()) all.push_back(std::move(mechanism));
    return all;
  }();
  return kAll;
}

}  // namespace heapwise

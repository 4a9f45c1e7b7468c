#include "bench/run/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "bench/core/units.h"
#include "workloads/workload.h"

namespace heapwise {
namespace {

constexpr std::string_view kThreads = "threads";

bool has_threads(const WorkloadDescriptor& workload) {
  return std::ranges::any_of(workload.parameters,
                             [](const auto& parameter) { return parameter.key == kThreads; });
}

std::string listed(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<Spec> all_with_threads() {
  std::vector<Spec> specs;
  for (const auto* workload : all_workloads()) {
    if (has_threads(*workload)) specs.push_back({.name = std::string(workload->name)});
  }
  return specs;
}

void require_threads(const Spec& chosen) {
  resolve_parameters(chosen);  // throws when there is no such workload or parameter
  if (!has_threads(*find_workload(chosen.name))) {
    std::vector<std::string> others;
    for (const auto& spec : all_with_threads()) others.push_back(spec.name);
    throw UsageError("workload " + chosen.name + " has no parameter 'threads' that --scale could " +
                     "change; those that have one: " + (others.empty() ? "none" : listed(others)));
  }
  if (chosen.find(kThreads) != nullptr) {
    throw UsageError("workload '" + chosen.text() +
                     "' says its threads, and so does --scale; leave one of them out");
  }
}

/// A bare name as the profile has it.
Spec as_in_profile(const Profile& profile, const Spec& chosen) {
  if (!chosen.settings.empty()) return chosen;
  for (const auto& row : profile.rows) {
    const auto spec = parse_spec(row.workload);
    if (spec.name == chosen.name) return spec;
  }
  return chosen;
}

Spec at(Spec spec, unsigned threads) {
  std::erase_if(spec.settings, [](const auto& setting) { return setting.key == kThreads; });
  spec.settings.push_back({std::string(kThreads), std::to_string(threads)});
  return spec;
}

std::vector<Spec> at_each(const Profile& profile, const Spec& chosen,
                          const std::vector<unsigned>& threads) {
  require_threads(chosen);
  std::vector<Spec> specs;
  for (const unsigned number : threads) {
    specs.push_back(at(as_in_profile(profile, chosen), number));
    resolve_parameters(specs.back());  // throws for a number that it does not take
  }
  return specs;
}

/// The workloads of the profile that have no parameter `threads`.
std::string without_threads(const Profile& profile) {
  std::vector<std::string> names;
  for (const auto& row : profile.rows) {
    const auto name = parse_spec(row.workload).name;
    if (!has_threads(*find_workload(name)) && std::ranges::count(names, name) == 0) {
      names.push_back(name);
    }
  }
  return listed(names);
}

Scaling scale_all(const Profile& profile, const std::vector<unsigned>& threads) {
  Scaling scaling;
  for (const auto& workload : all_with_threads()) {
    try {
      const auto specs = at_each(profile, workload, threads);
      scaling.workloads.insert(scaling.workloads.end(), specs.begin(), specs.end());
    } catch (const UsageError& why) {
      scaling.left_out.emplace_back(why.what());
    }
  }
  if (scaling.workloads.empty()) {
    throw UsageError(scaling.left_out.empty()
                         ? "no workload has a parameter 'threads' that --scale could change"
                         : scaling.left_out.front());
  }
  if (const auto names = without_threads(profile); !names.empty()) {
    scaling.left_out.push_back(names + ": no parameter 'threads'");
  }
  return scaling;
}

}  // namespace

Scaling scale_workloads(const Profile& profile, const std::vector<Spec>& chosen,
                        const std::vector<unsigned>& threads) {
  if (chosen.empty()) return scale_all(profile, threads);
  Scaling scaling;
  for (const auto& workload : chosen) {
    const auto specs = at_each(profile, workload, threads);
    scaling.workloads.insert(scaling.workloads.end(), specs.begin(), specs.end());
  }
  return scaling;
}

std::vector<unsigned> parse_scale(std::string_view text) {
  std::vector<unsigned> numbers;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    const auto number = parse_scaled(text.substr(begin, end - begin));
    if (!number || *number == 0 || *number > std::numeric_limits<unsigned>::max() ||
        std::ranges::count(numbers, *number) > 0) {
      throw UsageError("--scale '" + std::string(text) +
                       "' is no list of numbers of threads; write 1,2,4,8");
    }
    numbers.push_back(static_cast<unsigned>(*number));
    begin = end + 1;
  }
  return numbers;
}

}  // namespace heapwise

#include "bench/run/history.h"

#include <algorithm>

#include "bench/run/run_error.h"
#include "bench/run/run_record.h"

namespace heapwise {
namespace {

bool belongs(const Group& group, const Cell& cell) {
  return group.workload == cell.workload && group.parameters == cell.parameters &&
         group.threads == cell.threads && group.pass == cell.pass &&
         std::ranges::count(group.allocators, cell.allocator) > 0;
}

std::size_t group_of(const Plan& plan, const Cell& cell) {
  const auto found =
      std::ranges::find_if(plan.groups, [&](const Group& group) { return belongs(group, cell); });
  if (found != plan.groups.end()) return static_cast<std::size_t>(found - plan.groups.begin());
  throw RunError(
      "runs.jsonl holds a run of " + cell.workload + " on " + cell.allocator +
      " that the manifest does not plan; the folder was put together from two campaigns: "
      "start a new one with --out");
}

}  // namespace

History::History(const Plan& plan, const std::vector<Json>& records) {
  try {
    for (const auto& record : records) {
      const auto group = group_of(plan, cell_from_json(record.at("cell")));
      const unsigned number = record.at("attempt");
      auto& attempt = last_attempts_[{group, record.at("block").get<unsigned>()}];
      if (number > attempt.number) attempt = {.number = number};
      if (number < attempt.number) continue;
      const auto status = status_from_name(record.at("status").get<std::string>());
      if (status == Status::kInterrupted) continue;
      ++attempt.settled;
      if (status != Status::kOk) ++attempt.failed;
      attempt.complete = attempt.settled == plan.groups[group].allocators.size();
    }
  } catch (const nlohmann::json::exception& error) {
    throw RunError(std::string("runs.jsonl holds a line that is no run record: ") + error.what() +
                   "; start a new campaign with --out");
  }
}

const History::Attempt* History::find(BlockRef ref) const {
  const auto found = last_attempts_.find({ref.group, ref.block});
  return found == last_attempts_.end() ? nullptr : &found->second;
}

bool History::is_complete(BlockRef ref) const {
  const auto* attempt = find(ref);
  return attempt != nullptr && attempt->complete;
}

unsigned History::next_attempt(BlockRef ref) const {
  const auto* attempt = find(ref);
  return attempt == nullptr ? 0 : attempt->number + 1;
}

std::size_t History::complete_runs_count() const {
  std::size_t count = 0;
  for (const auto& [block, attempt] : last_attempts_)
    count += attempt.complete ? attempt.settled : 0;
  return count;
}

std::size_t History::failed_runs_count() const {
  std::size_t count = 0;
  for (const auto& [block, attempt] : last_attempts_)
    count += attempt.complete ? attempt.failed : 0;
  return count;
}

}  // namespace heapwise

#include "bench/run/campaign.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/core/clock.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kTimeoutFactor = 10;

std::string make_run_id(const RunRequest& request) {
  return fmt::format("g{:03}-b{:02}-a{}-r{:02}", request.group, request.block, request.attempt,
                     request.order);
}

/// Programs are, because their first run reads them from the disk; a workload warms up itself.
bool is_warmed_up(const Group& group) {
  return group.purpose == Purpose::kCommand && group.pass == "command";
}

bool is_same_program(const Group& one, const Group& other) {
  return one.purpose == Purpose::kCommand && one.workload == other.workload &&
         one.parameters == other.parameters;
}

}  // namespace

Campaign::Campaign(const Plan& plan, CampaignOptions options, Parts parts)
    : plan_(plan),
      options_(options),
      parts_(std::move(parts)),
      history_(plan, parts_.journal.earlier_records()),
      pace_(plan),
      runs_done_(history_.complete_runs_count()),
      blocks_left_(plan.groups.size()),
      complete_blocks_(plan.groups.size()) {
  result_.failed_runs = history_.failed_runs_count();
}

CampaignResult Campaign::run() {
  started_ = parts_.now();
  const auto order = block_order(plan_);
  for (const auto ref : order) {
    ++(history_.is_complete(ref) ? complete_blocks_ : blocks_left_)[ref.group];
  }
  bool goes_on = run_warm_ups();
  for (auto ref = order.begin(); goes_on && ref != order.end(); ++ref) {
    if (history_.is_complete(*ref)) continue;
    if (fits_budget(ref->group)) {
      goes_on = run_block(*ref);
      complete_blocks_[ref->group] += goes_on ? 1 : 0;
    } else {
      ++result_.blocks_left_out;
    }
    --blocks_left_[ref->group];
  }
  parts_.progress.finish();
  for (std::size_t group = 0; group < plan_.groups.size(); ++group) {
    result_.groups.push_back({.complete_blocks = complete_blocks_[group],
                              .block = pace_.block_estimate(group).value_or(Nanoseconds{})});
  }
  if (!goes_on) {
    result_.end = CampaignEnd::kInterrupted;
  } else if (result_.blocks_left_out > 0) {
    result_.end = CampaignEnd::kOutOfTime;
  }
  return result_;
}

bool Campaign::run_block(BlockRef ref) {
  const auto allocators = allocator_order(plan_, ref);
  std::vector<RunRequest> requests;
  for (std::size_t order = 0; order < allocators.size(); ++order) {
    requests.push_back(make_request(ref, allocators[order], order));
  }
  return plan_.groups[ref.group].slicing ? run_in_lockstep({requests.at(0), requests.at(1)})
                                         : run_one_by_one(requests);
}

bool Campaign::run_one_by_one(const std::vector<RunRequest>& requests) {
  const auto failed_before = result_.failed_runs;
  for (const auto& request : requests) {
    if (!parts_.interrupt.requested() && settle(request, carry_out_or_skip(request))) continue;
    result_.failed_runs = failed_before;
    return false;
  }
  return true;
}

bool Campaign::run_in_lockstep(const std::array<RunRequest, 2>& requests) {
  if (parts_.interrupt.requested()) return false;
  const auto failed_before = result_.failed_runs;
  const auto results = carry_out(requests);
  const std::array settled{settle(requests[0], results[0]), settle(requests[1], results[1])};
  if (settled[0] && settled[1]) return true;
  result_.failed_runs = failed_before;
  return false;
}

bool Campaign::settle(const RunRequest& request, const RunResult& result) {
  parts_.journal.append(to_record(request, result));
  if (result.status == Status::kInterrupted) return false;
  ++runs_done_;
  if (result.status != Status::kOk) {
    ++result_.failed_runs;
    if (!result.not_carried_out) note_failure(request, result);
  }
  return true;
}

bool Campaign::run_warm_ups() {
  for (unsigned round = 0; round < options_.warm_ups; ++round) {
    for (std::size_t group = 0; group < plan_.groups.size(); ++group) {
      if (!is_warmed_up(plan_.groups[group])) continue;
      // The baseline first: its time bounds the others'.
      auto allocators = plan_.groups[group].allocators;
      const auto first_other = std::stable_partition(
          allocators.begin(), allocators.end(),
          [&](const auto& name) { return name == plan_.groups[group].baseline; });
      if (options_.warms_up_baseline_only) allocators.erase(first_other, allocators.end());
      for (std::size_t order = 0; order < allocators.size(); ++order) {
        if (parts_.interrupt.requested()) return false;
        auto request = make_request({group, 0}, allocators[order], order);
        request.warm_up = true;
        request.run_id = fmt::format("warm-up-{}-{}-{}", round, group, order);
        if (carry_out_or_skip(request).status == Status::kInterrupted) return false;
      }
    }
  }
  return true;
}

RunResult Campaign::carry_out(const RunRequest& request) {
  report(fmt::format("{}{} {} {}", request.warm_up ? "warm-up: " : "",
                     plan_.groups[request.group].title(), request.cell.pass,
                     request.cell.allocator));
  const auto begun = parts_.now();
  auto result = parts_.runner.run(request);
  complete(request, result, parts_.now() - begun);
  return result;
}

std::array<RunResult, 2> Campaign::carry_out(const std::array<RunRequest, 2>& requests) {
  std::array failures{standing_failure(requests[0]), standing_failure(requests[1])};
  std::array<RunResult, 2> results;
  if (failures[0] || failures[1]) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      results[i].not_carried_out = true;
      results[i].conclude(Status::kPartnerFailed, "the other process of the pair fails");
      if (failures[i]) results[i] = *failures[i];
    }
    return results;
  }
  report(fmt::format("{} lockstep {} {}", plan_.groups[requests[0].group].title(),
                     requests[0].cell.allocator, requests[1].cell.allocator));
  const auto begun = parts_.now();
  results = parts_.runner.run_pair(requests);
  const Nanoseconds half{(parts_.now() - begun).value / 2};
  for (std::size_t i = 0; i < results.size(); ++i) {
    complete(requests[i], results[i], half);
    remember_failure(requests[i], results[i]);
  }
  return results;
}

void Campaign::complete(const RunRequest& request, RunResult& result, Nanoseconds wall) {
  if (result.wall.value == 0) result.wall = wall;
  if (result.started_unix_ns == 0) {
    result.started_unix_ns = read_clock(CLOCK_REALTIME).value;
  }
  if (result.status == Status::kOk) pace_.add(request.group, request.cell.allocator, result.wall);
}

RunResult Campaign::carry_out_or_skip(const RunRequest& request) {
  if (auto failure = standing_failure(request)) return *failure;
  auto result = carry_out(request);
  remember_failure(request, result);
  return result;
}

std::optional<RunResult> Campaign::standing_failure(const RunRequest& request) const {
  const auto found = failures_.find({request.group, request.cell.allocator});
  if (found == failures_.end() || found->second.count < options_.failures_until_skipped) {
    return std::nullopt;
  }
  const auto& failures = found->second;
  auto skipped = failures.last;
  skipped.not_carried_out = true;
  skipped.status_detail =
      fmt::format("not run again after failing {} times in a row, the last time so: {}",
                  failures.count, failures.last.status_detail);
  return skipped;
}

void Campaign::remember_failure(const RunRequest& request, const RunResult& result) {
  const bool is_program = plan_.groups[request.group].purpose == Purpose::kCommand;
  const bool takes_time =
      result.status != Status::kLibraryMissing && result.status != Status::kSettingContradicted;
  const bool counts = result.status == Status::kTimedOut ||
                      (is_program && takes_time && result.status != Status::kOk);
  auto& failures = failures_[{request.group, request.cell.allocator}];
  failures = counts ? Failures{failures.count + 1, result} : Failures{};
}

RunRequest Campaign::make_request(BlockRef ref, const std::string& allocator,
                                  std::size_t order) const {
  RunRequest request{.run_id = {},
                     .group = ref.group,
                     .block = ref.block,
                     .attempt = history_.next_attempt(ref),
                     .order = static_cast<unsigned>(order),
                     .seed = workload_seed(plan_, ref),
                     .cell = plan_.groups[ref.group].cell(allocator),
                     .slicing = plan_.groups[ref.group].slicing,
                     .injection = plan_.groups[ref.group].injection_of(allocator),
                     .padding_bytes = environment_padding(plan_, ref, order),
                     .timeout = timeout_of(ref.group)};
  request.run_id = make_run_id(request);
  return request;
}

Nanoseconds Campaign::timeout_of(std::size_t group) const {
  auto median = pace_.baseline_median(group);
  // A program's extra run has the time of those that are compared.
  for (std::size_t other = 0; !median && other < plan_.groups.size(); ++other) {
    if (is_same_program(plan_.groups[other], plan_.groups[group])) {
      median = pace_.baseline_median(other);
    }
  }
  if (!median) return options_.first_timeout;
  return std::max(options_.least_timeout, Nanoseconds{kTimeoutFactor * median->value});
}

bool Campaign::fits_budget(std::size_t group) const {
  if (options_.time_budget.value == 0) return true;
  const auto spent = parts_.now() - started_;
  return spent + pace_.block_estimate(group).value_or(Nanoseconds{}) <= options_.time_budget;
}

void Campaign::report(const std::string& doing) {
  Nanoseconds left;
  for (std::size_t group = 0; group < blocks_left_.size(); ++group) {
    left.value += blocks_left_[group] * pace_.block_estimate(group).value_or(Nanoseconds{}).value;
  }
  if (options_.time_budget.value != 0) {
    const auto spent = std::min(options_.time_budget, parts_.now() - started_);
    left = std::min(left, options_.time_budget - spent);
  }
  parts_.progress.update(
      {.runs_done = runs_done_, .runs_planned = plan_.runs_count(), .left = left, .doing = doing});
}

void Campaign::note_failure(const RunRequest& request, const RunResult& result) {
  // A failure that comes back in every block is told once for each cell.
  const auto& group = plan_.groups[request.group];
  const auto missing = result.status == Status::kLibraryMissing;
  const auto text = fmt::format("{}{}: {}{}{}", request.cell.allocator,
                                missing ? "" : " on " + group.title() + ", " + group.pass,
                                status_name(result.status),
                                result.status_detail.empty() ? "" : ", ", result.status_detail);
  if (notes_[text]++ == 0) parts_.progress.note(text);
}

}  // namespace heapwise

// The scheduler: block by block in the plan's order, every result into the journal before the next
// run begins. It knows neither processes nor files beyond the journal.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/run/history.h"
#include "bench/run/interrupt.h"
#include "bench/run/journal.h"
#include "bench/run/pace.h"
#include "bench/run/plan.h"
#include "bench/run/progress.h"
#include "bench/run/runner.h"

namespace heapwise {

struct CampaignOptions {
  Nanoseconds time_budget;                    // 0: none
  Nanoseconds least_timeout{30'000'000'000};  // of a run; else 10 times the baseline's median
  Nanoseconds first_timeout{60'000'000'000};  // until the baseline's median is known
  unsigned warm_ups = 0;                      // unrecorded runs of each program beforehand
  bool warms_up_baseline_only = false;        // else under every allocator
  unsigned failures_until_skipped = 2;        // time-outs in a row, or failures of a program
};

enum class CampaignEnd { kComplete, kOutOfTime, kInterrupted };

/// How far a group has come.
struct GroupProgress {
  unsigned complete_blocks = 0;
  Nanoseconds block;  // what one takes, as far as is known
};

struct CampaignResult {
  CampaignEnd end = CampaignEnd::kComplete;
  std::vector<GroupProgress> groups;  // in the plan's order
  std::size_t failed_runs = 0;        // of this sitting and earlier ones, complete blocks only
  std::size_t blocks_left_out = 0;
};

class Campaign {
 public:
  struct Parts {
    PairRunner& runner;
    Journal& journal;
    ProgressReporter& progress;
    Interrupt& interrupt;
    std::function<Nanoseconds()> now;
  };

  /// `plan` must outlive the campaign.
  Campaign(const Plan& plan, CampaignOptions options, Parts parts);

  /// Runs what the journal does not hold yet. RunError when it cannot go on; everything measured
  /// by then is in the journal.
  CampaignResult run();

 private:
  /// False when Ctrl-C came: its runs stay in the journal and count for nothing.
  bool run_block(BlockRef ref);
  bool run_one_by_one(const std::vector<RunRequest>& requests);
  bool run_in_lockstep(const std::array<RunRequest, 2>& requests);
  /// Into the journal and the counts; false when it was interrupted.
  bool settle(const RunRequest& request, const RunResult& result);
  bool run_warm_ups();
  RunResult carry_out(const RunRequest& request);
  std::array<RunResult, 2> carry_out(const std::array<RunRequest, 2>& requests);
  /// Carries it out, unless the allocator has failed in this group too often to be waited for
  /// again.
  RunResult carry_out_or_skip(const RunRequest& request);
  /// What stands for a run that is not waited for again, or nothing.
  std::optional<RunResult> standing_failure(const RunRequest& request) const;
  void remember_failure(const RunRequest& request, const RunResult& result);
  void complete(const RunRequest& request, RunResult& result, Nanoseconds wall);
  RunRequest make_request(BlockRef ref, const std::string& allocator, std::size_t order) const;
  Nanoseconds timeout_of(std::size_t group) const;
  bool fits_budget(std::size_t group) const;
  void report(const std::string& doing);
  void note_failure(const RunRequest& request, const RunResult& result);

  const Plan& plan_;
  CampaignOptions options_;
  Parts parts_;
  History history_;
  Pace pace_;
  Nanoseconds started_;
  std::size_t runs_done_ = 0;
  std::vector<unsigned> blocks_left_;  // by group
  std::vector<unsigned> complete_blocks_;
  CampaignResult result_;
  /// By group and allocator: how often it has failed in a row, and how the last time.
  struct Failures {
    unsigned count = 0;
    RunResult last;
  };
  std::map<std::pair<std::size_t, std::string>, Failures> failures_;
  std::map<std::string, std::size_t> notes_;  // how often a failure was met, by its text
};

}  // namespace heapwise

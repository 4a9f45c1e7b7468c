// The scheduler with a runner that only pretends: no process, no clock.
#include "bench/run/campaign.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <set>

#include "bench/run/run_error.h"
#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

/// Answers each request by a function; its runs take a second of a clock that is its own.
class MockRunner : public PairRunner {
 public:
  std::function<void(const RunRequest&, RunResult&)> answer;
  std::vector<RunRequest> requests;
  Nanoseconds now{kSecond};
  unsigned pairs_count = 0;

  RunResult run(const RunRequest& request) override {
    requests.push_back(request);
    RunResult result{.started_unix_ns = 1, .wall = {kSecond}};
    result.metrics["wall_per_operation_ns"] = 1;
    if (answer) answer(request, result);
    now += result.wall;
    return result;
  }

  std::array<RunResult, 2> run_pair(const std::array<RunRequest, 2>& pair) override {
    ++pairs_count;
    return {run(pair[0]), run(pair[1])};
  }
};

class CampaignTest : public ::testing::Test {
 protected:
  CampaignResult run(MockRunner& runner, const std::string& file = "runs.jsonl") {
    Journal journal(folder_.file(file));
    ProgressReporter progress({.write = [&](const std::string& text) { said_ += text; },
                               .now = [] { return Nanoseconds{kSecond}; },
                               .rewrites_line = false,
                               .columns = 0});
    Campaign campaign(plan_, options_,
                      {runner, journal, progress, interrupt_, [&] { return runner.now; }});
    return campaign.run();
  }

  std::vector<Json> records(const std::string& file = "runs.jsonl") const {
    return Journal(folder_.file(file)).earlier_records();
  }

  /// What is measured, without its order, attempt and time: block, pass, allocator, seed.
  std::multiset<std::string> counted_cells(const std::string& file = "runs.jsonl") const {
    std::multiset<std::string> cells;
    const auto all = records(file);
    for (const auto& record : all) {
      bool superseded = record["status"] == "interrupted";
      for (const auto& other : all) {
        superseded |= other["group"] == record["group"] && other["block"] == record["block"] &&
                      other["attempt"] > record["attempt"];
      }
      if (superseded) continue;
      cells.insert(record["cell"].dump() + record["block"].dump() + record["seed"].dump() +
                   record["order"].dump());
    }
    return cells;
  }

  static Group group_of(const std::string& pass, unsigned blocks) {
    return {.workload = "small_churn",
            .parameters = {{"live", 10}},
            .threads = 1,
            .pass = pass,
            .blocks = blocks,
            .purpose = Purpose::kComparison,
            .baseline = "glibc",
            .allocators = {"glibc", "jemalloc", "mimalloc"}};
  }

  static Group lockstep_group(unsigned blocks) {
    auto group = group_of("lockstep", blocks);
    group.allocators = {"glibc", "mimalloc"};
    group.slicing = {.slices_count = 16, .batches_per_slice = 3, .lead_in_batches = 2};
    return group;
  }

  TemporaryFolder folder_;
  Plan plan_{.seed = 5, .groups = {group_of("throughput", 4), group_of("memory", 2)}};
  CampaignOptions options_;
  Interrupt interrupt_;
  std::string said_;
};

// Catches runs of the plan that are left out.
TEST_F(CampaignTest, EveryRunOfThePlanIsRecordedOnce) {
  MockRunner runner;
  const auto result = run(runner);
  EXPECT_EQ(result.end, CampaignEnd::kComplete);
  EXPECT_EQ(result.failed_runs, 0U);
  EXPECT_EQ(records().size(), plan_.runs_count());
  std::set<std::string> ids;
  for (const auto& record : records()) ids.insert(record["run_id"]);
  EXPECT_EQ(ids.size(), plan_.runs_count());
}

// Catches a hang that is waited for in every block: hours for nothing.
TEST_F(CampaignTest, AnAllocatorThatHangsTwiceInARowIsNotRunAgain) {
  MockRunner runner;
  plan_.groups = {group_of("throughput", 4)};
  runner.answer = [](const RunRequest& request, RunResult& result) {
    if (request.cell.allocator != "mimalloc") return;
    result.status = Status::kTimedOut;
    result.status_detail = "not done";
  };
  run(runner);
  const auto asked = std::ranges::count_if(
      runner.requests, [](const auto& request) { return request.cell.allocator == "mimalloc"; });
  EXPECT_EQ(asked, 2);
  std::size_t skipped = 0;
  for (const auto& record : records()) {
    if (record["cell"]["allocator"] != "mimalloc") continue;
    EXPECT_EQ(record["status"], "timed_out");
    skipped += record["status_detail"].get<std::string>().starts_with("not run again") ? 1 : 0;
  }
  EXPECT_EQ(skipped, 2U);
}

// Catches sides of a lockstep that run one after the other, or on different objects.
TEST_F(CampaignTest, ALockstepRunsBothSidesOfABlockAtOnceOnTheSameObjects) {
  MockRunner runner;
  plan_.groups = {lockstep_group(4), group_of("memory", 2)};
  run(runner);
  EXPECT_EQ(runner.pairs_count, 4U);
  EXPECT_EQ(records().size(), plan_.runs_count());
  for (const auto& request : runner.requests) {
    if (request.cell.pass != "lockstep") {
      EXPECT_FALSE(request.slicing);
      continue;
    }
    EXPECT_EQ(request.slicing, plan_.groups[0].slicing);
    EXPECT_EQ(request.seed, workload_seed(plan_, {0, request.block}));
  }
}

// Catches a pair of which one side is left in the journal as a complete run.
TEST_F(CampaignTest, AnInterruptedPairCountsForNothingAndRunsAgain) {
  plan_.groups = {lockstep_group(3)};
  MockRunner stopped;
  stopped.answer = [](const RunRequest& request, RunResult& result) {
    if (request.block == 1) result.status = Status::kInterrupted;
  };
  EXPECT_EQ(run(stopped).end, CampaignEnd::kInterrupted);
  MockRunner goes_on;
  const auto result = run(goes_on);
  EXPECT_EQ(result.end, CampaignEnd::kComplete);
  EXPECT_EQ(result.groups.at(0).complete_blocks, 3U);
  EXPECT_GE(goes_on.pairs_count, 2U);
}

// Catches a side that hangs in every pair and is waited for in each, or its partner blamed for it.
TEST_F(CampaignTest, APairOfWhichOneSideHangsTwiceIsNotRunAgain) {
  plan_.groups = {lockstep_group(5)};
  MockRunner runner;
  runner.answer = [](const RunRequest& request, RunResult& result) {
    const bool hangs = request.cell.allocator == "mimalloc";
    result.conclude(hangs ? Status::kTimedOut : Status::kPartnerFailed, "");
  };
  run(runner);
  EXPECT_EQ(runner.pairs_count, 2U);
  for (const auto& record : records()) {
    const bool hangs = record["cell"]["allocator"] == "mimalloc";
    EXPECT_EQ(record["status"], hangs ? "timed_out" : "partner_failed");
  }
}

// Catches one bad moment that takes an allocator out of the comparison.
TEST_F(CampaignTest, AHangNowAndThenIsRunAgain) {
  MockRunner runner;
  plan_.groups = {group_of("throughput", 6)};
  runner.answer = [](const RunRequest& request, RunResult& result) {
    if (request.cell.allocator == "mimalloc" && request.block % 2 == 0) {
      result.status = Status::kTimedOut;
    }
  };
  run(runner);
  EXPECT_EQ(runner.requests.size(), plan_.runs_count());
}

// Catches a crash that becomes a gap or a number.
TEST_F(CampaignTest, ACrashIsARecordWithoutFiguresAndTheRestGoesOn) {
  MockRunner runner;
  runner.answer = [](const RunRequest& request, RunResult& result) {
    if (request.cell.allocator != "mimalloc") return;
    result.status = Status::kCrashed;
    result.status_detail = "ended by SIGSEGV";
    result.signal = SIGSEGV;
  };
  const auto result = run(runner);
  EXPECT_EQ(result.failed_runs, plan_.blocks_count());
  EXPECT_EQ(records().size(), plan_.runs_count());
  for (const auto& record : records()) {
    if (record["cell"]["allocator"] != "mimalloc") continue;
    EXPECT_EQ(record["status"], "crashed");
    EXPECT_EQ(record["signal"], SIGSEGV);
    EXPECT_TRUE(record["metrics"].empty());
  }
}

// Catches the same failure told in every block: the terminal would hide everything else.
TEST_F(CampaignTest, AFailureThatComesBackIsToldOnceForEachCell) {
  MockRunner runner;
  runner.answer = [](const RunRequest& request, RunResult& result) {
    if (request.cell.allocator == "mimalloc") result.status = Status::kTimedOut;
  };
  run(runner);
  std::size_t told = 0;
  for (auto at = said_.find("timed_out"); at != std::string::npos;
       at = said_.find("timed_out", at + 1)) {
    ++told;
  }
  EXPECT_EQ(told, plan_.groups.size());
}

// Catches a time-out that kills slow machines, or one that lets a hung process block for ever.
TEST_F(CampaignTest, TheTimeoutIsTenTimesTheBaselinesMedianOrTheLeast) {
  MockRunner runner;
  runner.answer = [](const RunRequest& request, RunResult& result) {
    result.wall = {(request.cell.pass == "throughput" ? 8 : 1) * kSecond};
  };
  run(runner);
  for (const auto& request : runner.requests) {
    if (request.block == 0) continue;
    EXPECT_EQ(request.timeout.value, (request.cell.pass == "throughput" ? 80 : 30) * kSecond);
  }
  EXPECT_EQ(runner.requests.front().timeout, options_.first_timeout);
}

/// Presses Ctrl-C during the run of that number.
void interrupt_at(MockRunner& runner, std::size_t number) {
  runner.answer = [&runner, number](const RunRequest&, RunResult& result) {
    if (runner.requests.size() != number) return;
    kill(getpid(), SIGINT);
    result.status = Status::kInterrupted;
  };
}

// Catches a resumed campaign that measures other cells than one that was left alone.
TEST_F(CampaignTest, InterruptedAnywhereAndResumedGivesTheSameCellsAsUndisturbed) {
  MockRunner undisturbed;
  run(undisturbed, "undisturbed.jsonl");
  for (std::size_t at = 1; at <= plan_.runs_count(); ++at) {
    const auto file = "stopped-" + std::to_string(at) + ".jsonl";
    {
      Interrupt inner;  // forgets the signal with its end
      MockRunner stopped;
      interrupt_at(stopped, at);
      Journal journal(folder_.file(file));
      ProgressReporter progress({.write = [](const std::string&) {},
                                 .now = [] { return Nanoseconds{kSecond}; },
                                 .rewrites_line = false,
                                 .columns = 0});
      Campaign campaign(plan_, options_,
                        {stopped, journal, progress, inner, [&] { return stopped.now; }});
      EXPECT_EQ(campaign.run().end, CampaignEnd::kInterrupted);
    }
    MockRunner resumed;
    EXPECT_EQ(run(resumed, file).end, CampaignEnd::kComplete);
    EXPECT_EQ(counted_cells(file), counted_cells("undisturbed.jsonl")) << "stopped at run " << at;
  }
}

// Catches half a block that is completed hours later: its pairs would not be close in time.
TEST_F(CampaignTest, AnInterruptedBlockRunsAgainWholeAsAnotherAttempt) {
  Journal(folder_.file("runs.jsonl"));
  MockRunner first;
  run(first);
  auto all = records();
  // Leave one whole block and one record of the next.
  const TemporaryFolder other;
  {
    Journal journal(folder_.file("cut.jsonl"));
    for (std::size_t i = 0; i < 4; ++i) journal.append(all[i]);
  }
  MockRunner second;
  run(second, "cut.jsonl");
  EXPECT_EQ(second.requests.size(), plan_.runs_count() - 3);
  EXPECT_EQ(second.requests.front().attempt, 1U);
  EXPECT_EQ(second.requests.front().order, 0U);
  EXPECT_EQ(records("cut.jsonl").size(), plan_.runs_count() + 1);
}

// Catches a resumed campaign that forgets what failed before: it would exit 0.
TEST_F(CampaignTest, FailuresOfAnEarlierSittingStillCount) {
  MockRunner runner;
  runner.answer = [](const RunRequest&, RunResult& result) { result.status = Status::kCrashed; };
  run(runner);
  MockRunner second;
  const auto result = run(second);
  EXPECT_TRUE(second.requests.empty());
  EXPECT_EQ(result.failed_runs, plan_.runs_count());
}

// Catches a budget that is overrun, and one that leaves half a block.
TEST_F(CampaignTest, NoBlockBeginsThatWouldNotFitTheBudget) {
  options_.time_budget = {10 * kSecond};  // three blocks of three seconds
  MockRunner runner;
  const auto result = run(runner);
  EXPECT_EQ(result.end, CampaignEnd::kOutOfTime);
  EXPECT_EQ(result.blocks_left_out, plan_.blocks_count() - 3);
  EXPECT_EQ(records().size(), 9U);
}

// Catches warm-up runs that count as measurements.
TEST_F(CampaignTest, ProgramsAreWarmedUpTheBaselineFirstAndThatIsNotRecorded) {
  options_.warm_ups = 2;
  plan_.groups[1].purpose = Purpose::kCommand;
  plan_.groups[1].pass = "command";
  plan_.groups[1].parameters = {{"command", "true"}};
  MockRunner runner;
  run(runner);
  EXPECT_EQ(runner.requests.size(), plan_.runs_count() + 2 * 3);
  EXPECT_TRUE(runner.requests.front().warm_up);
  EXPECT_EQ(runner.requests.front().cell.allocator, "glibc");
  EXPECT_EQ(records().size(), plan_.runs_count());

  MockRunner shorter;
  options_.warms_up_baseline_only = true;
  run(shorter, "other.jsonl");
  EXPECT_EQ(shorter.requests.size(), plan_.runs_count() + 2);
}

// Catches a folder that was put together from two campaigns.
TEST_F(CampaignTest, RecordsThatThePlanDoesNotHoldAreRefused) {
  MockRunner runner;
  run(runner);
  plan_.groups[0].allocators = {"glibc", "scudo"};
  plan_.groups[1].allocators = {"glibc", "scudo"};
  EXPECT_THROW(run(runner), RunError);
}

// Catches a Ctrl-C between two runs that lets the next run begin.
TEST_F(CampaignTest, CtrlCBeforeTheStartRunsNothing) {
  kill(getpid(), SIGINT);
  MockRunner runner;
  EXPECT_EQ(run(runner).end, CampaignEnd::kInterrupted);
  EXPECT_TRUE(runner.requests.empty());
}

}  // namespace
}  // namespace heapwise

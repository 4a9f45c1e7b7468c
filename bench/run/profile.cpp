// To tune a profile change `operations`: the measured region of a run should last 0.1 to 0.3 s on
// the slowest sensible allocator, but for soak. A run costs 20 to 50 ms more for its process.
#include "bench/run/profile.h"

#include "bench/core/spec.h"

namespace heapwise {
namespace {

using Passes = std::span<const PassBlocks>;
using Rows = std::span<const ProfileRow>;
using Sweeps = std::span<const Sweep>;

// ---- smoke: does everything run? No verdicts: fewer than 8 blocks -------------------------------

constexpr PassBlocks kSmokePasses[]{
    {"throughput", 1}, {"latency", 1}, {"memory", 1}, {"system_calls", 1}, {"checked", 1, 10}};
constexpr PassBlocks kSmokeOnCall[]{{"throughput", 1}, {"latency", 1},       {"open_loop", 1},
                                    {"memory", 1},     {"fragmentation", 1}, {"system_calls", 1},
                                    {"checked", 1, 10}};
constexpr PassBlocks kSmokeOnce[]{{"throughput", 1}};
constexpr PassBlocks kSmokeSweepPasses[]{{"throughput", 2}, {"memory", 1}, {"system_calls", 1}};
constexpr ProfileRow kSmokeRows[]{
    {"small_churn:live=10K,operations=200K", kSmokePasses},
    {"large_churn:operations=200", kSmokePasses},
    {"producer_consumer:operations=100K", kSmokePasses},
};
constexpr std::string_view kSmokeThresholds[]{
    "glibc",
    "glibc:mmap_threshold=128K",
    "glibc:mmap_threshold=64M",
    "glibc:mmap_threshold=64M,trim_threshold=1G",
};
constexpr Sweep kSmokeSweeps[]{
    {"large_churn:size=1M,window=1,operations=300", kSmokeThresholds, kSmokeSweepPasses}};

// ---- quick: verdicts within 5 minutes -----------------------------------------------------------

constexpr PassBlocks kQuickPasses[]{
    {"throughput", 8}, {"latency", 8}, {"memory", 3}, {"system_calls", 2}, {"checked", 1, 10}};
constexpr PassBlocks kQuickOnCall[]{{"throughput", 8}, {"latency", 8},       {"open_loop", 8},
                                    {"memory", 3},     {"fragmentation", 2}, {"system_calls", 2},
                                    {"checked", 1, 10}};
// A larger live set of a workload that is checked above: with a million its own time is mostly
// set-up, and a checked one takes 12 s a run.
constexpr PassBlocks kQuickTimeAndMemory[]{{"throughput", 8}, {"memory", 3}, {"system_calls", 2}};
constexpr PassBlocks kQuickService[]{
    {"throughput", 8}, {"open_loop", 8, 4}, {"memory", 3}, {"checked", 1, 10}};
constexpr PassBlocks kQuickMemory[]{{"memory", 2}, {"fragmentation", 2}};
constexpr PassBlocks kQuickOwnCost[]{{"throughput", 3}};
constexpr PassBlocks kQuickSweepPasses[]{{"throughput", 3}, {"memory", 2}, {"system_calls", 1}};
constexpr ProfileRow kQuickRows[]{
    {"small_churn:live=10K,operations=2M", kQuickPasses},
    {"small_churn:live=100K,operations=1M", kQuickTimeAndMemory},
    {"small_churn:live=1M,warmup=1M,operations=500K", kQuickTimeAndMemory},
    {"large_churn:operations=500", kQuickPasses},
    {"producer_consumer:operations=500K", kQuickPasses},
    {"mixed_service:operations=100K", kQuickService},
    {"fragmentation_plateau:operations=200K", kQuickMemory},
};
constexpr std::string_view kThresholds[]{
    "glibc",
    // The threshold or the trimming alone: setting one freezes the other at its start value.
    "glibc:mmap_threshold=128K",
    "glibc:mmap_threshold=64M",
    "glibc:trim_threshold=128K",
    "glibc:trim_threshold=1G",
    // Both.
    "glibc:mmap_threshold=128K,trim_threshold=128K",
    "glibc:mmap_threshold=128K,trim_threshold=1M",
    "glibc:mmap_threshold=128K,trim_threshold=2M",
    "glibc:mmap_threshold=128K,trim_threshold=1G",
    "glibc:mmap_threshold=1M,trim_threshold=128K",
    "glibc:mmap_threshold=1M,trim_threshold=1M",
    "glibc:mmap_threshold=1M,trim_threshold=2M",
    "glibc:mmap_threshold=1M,trim_threshold=1G",
    "glibc:mmap_threshold=2M,trim_threshold=128K",
    "glibc:mmap_threshold=2M,trim_threshold=1M",
    "glibc:mmap_threshold=2M,trim_threshold=2M",
    "glibc:mmap_threshold=2M,trim_threshold=1G",
    "glibc:mmap_threshold=64M,trim_threshold=128K",
    "glibc:mmap_threshold=64M,trim_threshold=1M",
    "glibc:mmap_threshold=64M,trim_threshold=2M",
    "glibc:mmap_threshold=64M,trim_threshold=1G",
    // How much more is taken from the system at a time.
    "glibc:top_pad=1M",
    "glibc:top_pad=16M",
    "glibc:top_pad=64M",
    "glibc:mmap_threshold=64M,trim_threshold=128K,top_pad=16M",
};
constexpr Sweep kQuickSweeps[]{
    {"large_churn:size=1M,window=1,operations=1K", kThresholds, kQuickSweepPasses}};

// ---- full: finer, larger and longer, within an hour ---------------------------------------------

constexpr PassBlocks kFullPasses[]{
    {"throughput", 12}, {"latency", 12}, {"memory", 3}, {"system_calls", 2}, {"checked", 1, 10}};
constexpr PassBlocks kFullOnCall[]{{"throughput", 16}, {"latency", 16},      {"open_loop", 16},
                                   {"memory", 5},      {"fragmentation", 3}, {"system_calls", 3},
                                   {"checked", 2, 10}};
// The check holds every live object in a tree: too slow for a million.
constexpr PassBlocks kFullLargeLiveSet[]{
    {"throughput", 12}, {"latency", 8}, {"memory", 3}, {"system_calls", 2}};
// A run is long, or every call is like the others: no latency of each.
constexpr PassBlocks kFullTimeAndMemory[]{
    {"throughput", 8}, {"memory", 3}, {"system_calls", 2}, {"checked", 1, 10}};
constexpr PassBlocks kFullTimeAndFragmentation[]{{"throughput", 8},
                                                 {"memory", 3},
                                                 {"fragmentation", 2},
                                                 {"system_calls", 2},
                                                 {"checked", 1, 10}};
// One question more of a workload that has been checked.
constexpr PassBlocks kFullTime[]{{"throughput", 8}};
constexpr PassBlocks kFullTail[]{
    {"throughput", 8}, {"latency", 8}, {"memory", 3}, {"system_calls", 1}, {"checked", 1, 10}};
constexpr PassBlocks kFullService[]{{"throughput", 12},   {"open_loop", 8, 2}, {"memory", 3},
                                    {"fragmentation", 2}, {"system_calls", 1}, {"checked", 1, 10}};
// What shows is what a course of requests does to the resident set, not the time.
constexpr PassBlocks kFullMemory[]{{"memory", 3}, {"system_calls", 1}, {"checked", 1, 10}};
constexpr PassBlocks kFullFragmentation[]{
    {"memory", 3}, {"fragmentation", 2}, {"system_calls", 1}, {"checked", 1, 10}};
constexpr PassBlocks kFullOwnCost[]{{"throughput", 5}, {"latency", 3}};
constexpr PassBlocks kFullSweepPasses[]{{"throughput", 8}, {"memory", 3}, {"system_calls", 2}};
constexpr PassBlocks kFullArenaPasses[]{{"throughput", 8}, {"memory", 3}};
constexpr PassBlocks kFullRatchetPasses[]{{"memory", 3}, {"system_calls", 1}};
constexpr ProfileRow kFullRows[]{
    // fast path
    {"small_churn:live=1K,operations=4M", kFullPasses},
    {"small_churn:live=10K,operations=4M", kFullPasses},
    {"small_churn:live=100K,operations=4M", kFullPasses},
    {"small_churn:live=1M,operations=2M", kFullLargeLiveSet},
    {"large_churn:operations=1K", kFullPasses},
    {"large_churn:size=1M,window=1,operations=1K", kFullPasses},
    {"large_churn:size=16M,window=1,operations=60", kFullPasses},
    {"realloc_growth:operations=56", kFullTimeAndMemory},
    {"realloc_growth:max=16M,shrink=1,operations=420", kFullTimeAndMemory},
    {"fixed_size:size=16,operations=8M", kFullTime},
    {"fixed_size:operations=8M", kFullTail},
    {"fixed_size:order=fifo,operations=8M", kFullTime},
    {"fixed_size:order=random,operations=8M", kFullTime},
    {"fixed_size:batch=100K,order=random,operations=2M", kFullTime},
    {"fixed_size:size=512,operations=8M", kFullTime},
    {"fixed_size:size=4K,operations=200K", kFullTime},
    {"fixed_size:size=32K,operations=100K", kFullTime},
    {"sized_delete:operations=4M", kFullTimeAndMemory},
    {"aligned:operations=1M", kFullTimeAndFragmentation},
    {"calloc_zeroing:operations=20K", kFullTimeAndMemory},
    {"document_trees:operations=2M", kFullTimeAndFragmentation},
    // servers
    {"producer_consumer:operations=2M", kFullPasses},
    {"producer_consumer:producers=2,consumers=2,operations=2M", kFullPasses},
    {"producer_consumer:producers=4,consumers=1,operations=2M", kFullPasses},
    {"asymmetric_free:operations=1M", kFullTimeAndMemory},
    {"larson:threads=1,operations=8M", kFullTime},
    {"larson:threads=2,operations=8M", kFullTail},
    {"larson:threads=4,operations=8M", kFullTime},
    {"larson:threads=8,operations=8M", kFullTime},
    {"thread_churn", kFullTimeAndMemory},
    {"migrating_stress", kFullTimeAndMemory},
    {"mixed_service:threads=1,operations=200K", kFullTime},
    {"mixed_service:threads=2,operations=200K", kFullService},
    {"mixed_service:threads=4,operations=200K", kFullTime},
    {"mixed_service:threads=8,operations=200K", kFullTime},
    {"request_bursts", kFullMemory},
    {"arena_ratchet", kFullMemory},
    // memory
    {"fragmentation_plateau", kFullTimeAndFragmentation},
    {"fragmentation_ladder", kFullFragmentation},
    {"pinned_holes", kFullFragmentation},
    {"phase_shift", kFullFragmentation},
    // caches
    {"false_sharing_active:operations=300K", kFullTimeAndMemory},
    {"false_sharing_active:apart=1,operations=300K", kFullTime},
    {"false_sharing_passive:size=16,operations=300K", kFullTimeAndMemory},
    {"false_sharing_passive:size=64,operations=300K", kFullTime},
    {"false_sharing_passive:apart=1,operations=300K", kFullTime},
    {"locality:operations=2M", kFullTimeAndFragmentation},
    {"locality:churn=0,operations=4M", kFullTime},
};
constexpr std::string_view kArenas[]{"glibc", "glibc:arena_max=1", "glibc:arena_max=2",
                                     "glibc:arena_max=4"};
constexpr std::string_view kRatchet[]{"glibc", "glibc:mmap_threshold=128K", "glibc:arena_max=1",
                                      "glibc:trim_threshold=128K"};
constexpr Sweep kFullSweeps[]{
    {"large_churn:size=1M,window=1,operations=1500", kThresholds, kFullSweepPasses},
    {"mixed_service:threads=2,operations=150K", kArenas, kFullArenaPasses},
    {"arena_ratchet:operations=192", kRatchet, kFullRatchetPasses}};

// ---- soak: days of a service, gigabytes alive. No verdicts: fewer than 8 blocks -----------------

// Runs are long, because what matters is their course: four days of a service are 63 s in an open
// loop at the default rate and 5 to 25 s in a closed one. A check takes 20 times as long.
constexpr PassBlocks kSoakDays[]{
    {"open_loop", 3}, {"memory", 3}, {"fragmentation", 2}, {"system_calls", 1}, {"checked", 1, 20}};
// No check: the tree of nine million live objects takes half a minute to fill, and a check of fewer
// says as much.
constexpr PassBlocks kSoakGigabytes[]{{"throughput", 3}, {"memory", 2}, {"fragmentation", 2}};
constexpr PassBlocks kSoakOnCall[]{{"throughput", 3}, {"latency", 3},       {"open_loop", 3},
                                   {"memory", 3},     {"fragmentation", 2}, {"system_calls", 1},
                                   {"checked", 1, 10}};
constexpr PassBlocks kSoakOnce[]{{"throughput", 1}};
constexpr ProfileRow kSoakRows[]{
    {"long_running:operations=6M", kSoakDays},
    {"huge_footprint:live=4G,operations=2M", kSoakGigabytes},
};

constexpr Profile kProfiles[]{
    {.name = "smoke",
     .summary = "does everything run? at most 60 s, no verdicts",
     .rows = Rows(kSmokeRows),
     .on_call = Passes(kSmokeOnCall),
     .own_cost = Passes(kSmokeOnce),
     .sweeps = Sweeps(kSmokeSweeps),
     .program_blocks = 1},
    {.name = "quick",
     .summary = "verdicts on the cells that matter most, at most 5 min",
     .rows = Rows(kQuickRows),
     .on_call = Passes(kQuickOnCall),
     .own_cost = Passes(kQuickOwnCost),
     .sweeps = Sweeps(kQuickSweeps),
     .program_blocks = 8},
    {.name = "full",
     .summary = "more cells and twice the blocks, at most 60 min",
     .rows = Rows(kFullRows),
     .on_call = Passes(kFullOnCall),
     .own_cost = Passes(kFullOwnCost),
     .sweeps = Sweeps(kFullSweeps),
     .program_blocks = 12},
    {.name = "soak",
     .summary = "days of a service and gigabytes alive, at most 50 min, no verdicts",
     .rows = Rows(kSoakRows),
     .on_call = Passes(kSoakOnCall),
     .own_cost = Passes(kSoakOnce),
     .sweeps = {},
     .program_blocks = 3,
     .run_timeout = Nanoseconds{600'000'000'000}},
};

}  // namespace

std::span<const Profile> all_profiles() {
  return kProfiles;
}

std::string profile_choice() {
  std::string choice;
  for (const auto& profile : kProfiles) {
    const bool is_last = &profile == &all_profiles().back();
    choice += choice.empty() ? "" : is_last ? " or " : ", ";
    choice += profile.name;
  }
  return choice;
}

const Profile& find_profile(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& profile : kProfiles) {
    if (profile.name == name) return profile;
    names.emplace_back(profile.name);
  }
  throw UsageError("there is no profile '" + std::string(name) + "'" + did_you_mean(name, names) +
                   "; choose " + profile_choice());
}

}  // namespace heapwise

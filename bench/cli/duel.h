// A duel: two specs compared on a set of workloads within a time. What `compare` runs once and
// `gate` several times over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/cli/campaign_session.h"
#include "bench/core/spec.h"

namespace heapwise {

struct DuelRequest {
  std::string kind;  // of the folder: compare or gate
  std::vector<std::string> command_line;
  std::string profile = "quick";
  std::vector<Spec> workloads;  // empty: the profile's
  Spec baseline;
  Spec candidate;
  Nanoseconds time_budget;  // 0: kTimeOfCell for each cell, or what its fewest blocks take
  unsigned pairs = 0;       // of every cell, in place of a time; 0: as many as fit
  std::uint64_t seed = 0;
};

/// What a single-threaded cell needs to see an effect of one to two per cent.
inline constexpr Nanoseconds kTimeOfCell{10'000'000'000};

/// Runs the trials and makes the plan, in its folder: every cell gets an equal part of the time,
/// and at least the blocks that a verdict takes. Throws UsageError as prepare_new does.
PreparedCampaign prepare_duel(const DuelRequest& request, const std::string& out,
                              const Parts& parts, Interrupt& interrupt);

/// The specs of all texts, each of which may hold several.
std::vector<Spec> parse_workloads(const std::vector<std::string>& texts);

/// Throws UsageError where one side is a folder and the other is none, or a path that is neither a
/// folder nor a named library.
void require_alike(const std::string& baseline, const std::string& candidate);

/// What is missing for a verdict: in how many groups, and about how long it takes.
struct Shortage {
  std::size_t groups = 0;
  Nanoseconds time;
};

/// Of a duel whose time has run out; nothing is missing where every group has `least` blocks.
Shortage shortage_of(const PreparedCampaign& duel, const CampaignResult& result, unsigned least);

std::string inconclusive_words(const Shortage& shortage, const std::string& go_on);

}  // namespace heapwise

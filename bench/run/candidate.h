// An allocator of the plan, brought together with what was found out about it before the campaign:
// its library, what its settings were read back as, and whether it can be measured at all.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "allocators/allocator.h"
#include "bench/run/interrupt.h"
#include "bench/run/parts.h"
#include "bench/run/run_record.h"

namespace heapwise {

struct Candidate {
  ResolvedAllocator resolved;
  std::vector<SettingReport> settings;  // as a sibling process proved them
  /// Set when the allocator cannot be measured: every run of it gets this status and detail.
  std::optional<Status> excluded;
  std::string exclusion_detail;

  std::string spec_text() const { return resolved.spec.text(); }
  std::string package() const;
  /// What is known without running: for runs that are excluded.
  Json identity() const;
  /// The result of a run that does not take place. Precondition: excluded.
  RunResult excluded_result() const;
};

/// All allocators of a campaign by the text of their specs.
using Candidates = std::map<std::string, Candidate>;

/// Resolves each spec once. Throws UsageError as resolve_allocator does. One whose library is not
/// installed is excluded as library_missing.
Candidates resolve_candidates(const std::vector<Spec>& specs, const Parts& parts);

/// Asks a sibling process, started with the same environment as the measured ones, what became of
/// the settings of each candidate that has any. A contradiction excludes the candidate.
/// `keep` as in child_environment.
void verify_settings(Candidates& candidates, const Parts& parts,
                     const std::vector<std::string>& keep, Interrupt& interrupt);

/// The identity a process gave, with the siblings' findings merged in: a read-back of the process
/// itself counts more, one it could not do itself is filled in.
Json merge_settings(Json identity, const std::vector<SettingReport>& settings);

/// The text of the first contradicted setting of an identity, or nothing.
std::optional<std::string> contradicted_setting(const Json& identity);

}  // namespace heapwise

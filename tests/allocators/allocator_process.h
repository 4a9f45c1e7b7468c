// Runs a program under an allocator as the suite would and collects what it prints.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "allocators/allocator.h"

namespace heapwise {

struct ProcessEnd {
  int wait_status = -1;
  std::string output = {};  // standard output and standard error
};

/// Runs `command` to its end with exactly this environment.
ProcessEnd run_process(const std::vector<std::string>& command,
                       const std::vector<std::string>& environment);

/// The spec on this machine, with the suite's own libraries from the build folder.
ResolvedAllocator resolve_text(const std::string& spec);

struct ProcessIdentity {
  Identity identity;
  std::vector<SettingReport> settings;  // as the sibling reports them
};

/// What identity_program says when started under the spec, `preload_before` in front.
ProcessIdentity identify_under(const std::string& spec,
                               const std::vector<std::string>& preload_before = {});

/// The same for a process that runs on `actual` while `claimed` is expected of it.
ProcessIdentity identify_claimed(const std::string& claimed, const ResolvedAllocator& actual);

/// The report on `key`; fails the test where there is none.
SettingReport report_on(const std::vector<SettingReport>& settings, const std::string& key);

void PrintTo(Verdict verdict, std::ostream* stream);

}  // namespace heapwise

/// Ends a test early where the spec's library is not on this machine.
#define HEAPWISE_SKIP_IF_MISSING(spec)                                             \
  if (const auto missing = heapwise::resolve_text(spec).missing; !missing.empty()) \
  GTEST_SKIP() << missing

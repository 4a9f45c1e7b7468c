// One run of a program, carried out and not yet judged: everything that was seen of it.
//
//     run_command   start ─────────────── end ── digest
//     run_served    start ── ready ── drive ── digest ── stop
//                                  └─ phase ─┘
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/core/units.h"
#include "bench/program/malloc_share.h"
#include "bench/program/program_description.h"
#include "bench/program/tree_usage.h"
#include "bench/program/tree_watch.h"
#include "bench/run/child.h"
#include "bench/run/interrupt.h"

namespace heapwise {

/// Files of a run, in a folder that is kept until it has been judged.
struct RunFiles {
  std::string output;  // of a command, or of a server's client: what is compared
  std::string errors;
  std::string server_output;  // a server's own
  std::string server_errors;
  std::string witness;
};

/// All a run needs; must outlive it.
struct RunContext {
  const ProgramDescription& program;
  const std::string& launcher;
  Interrupt& interrupt;
  std::vector<std::string> environment;  // of the program, its allocator's variables included
  std::vector<std::string> helper_environment;  // of everything around it
  std::string directory;                        // where it all runs; empty: here
  RunFiles files;
  Nanoseconds timeout;        // of the command, or of the client
  Nanoseconds ready_timeout;  // of a server
  Nanoseconds stop_timeout;   // from SIGTERM to SIGKILL
  TreeLimits limits;
  std::string share_folder;  // not empty: malloc's share is estimated
  std::string cgroup_procs;  // of the program alone, as in RunRequest
};

/// How far a served run got.
enum class Reached { kStarted, kReady, kDriven };

struct Phase {
  Nanoseconds wall;
  TreeUsage usage;
};

struct ProgramRun {
  ChildEnd end;  // of the program
  Reached reached = Reached::kStarted;
  bool ended_unasked = false;       // a server, before its client was done
  bool had_to_be_killed = false;    // a server, because it did not heed SIGTERM
  std::string never_ready_because;  // what the last probe said
  Nanoseconds ready_after;
  std::optional<ChildEnd> client;
  std::optional<Phase> phase;      // of a driven server
  std::optional<ChildEnd> digest;  // of the digest command
  std::optional<ChildEnd> stop_command;
  std::optional<MallocShare> share;  // at the tree's largest
  TreeAlarm alarm = TreeAlarm::kNone;
  Bytes available_at_alarm;
  TreeTimeline timeline;
  LargestProcess largest;
  std::vector<std::string> executables;  // seen in the tree
  Bytes tree_peak;
  Bytes vsz_peak;
  Nanoseconds sampling;
};

/// Runs one of the commands around the program, on the machine's malloc; its output is captured.
ChildEnd run_helper(const RunContext& context, const std::string& text, Nanoseconds timeout);

ProgramRun run_command(const RunContext& context);
ProgramRun run_served(const RunContext& context);

}  // namespace heapwise

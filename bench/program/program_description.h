// What `try` and the apps of `bench` run: a program, or a server with its client, as data. Options
// of `try` and a workloads/apps/NAME/app.json become the same thing, and the manifest keeps it so
// that a campaign can be resumed.
//
// Texts are run by /bin/sh -c. Only the program itself (`argv`, or `serve`) runs under an
// allocator; everything else runs with the machine's own. All of them see HEAPWISE_RUN_DIR,
// HEAPWISE_SETUP_DIR, HEAPWISE_APP_DIR and HEAPWISE_PORT (bench/program/run_place.h).
#pragma once

#include <string>
#include <vector>

#include "bench/program/metric_pattern.h"
#include "bench/run/json.h"

namespace heapwise {

/// Which part of a run its time, CPU and faults are of.
enum class Timing { kWhole, kServe };

struct ProgramDescription {
  std::string name = {};    // of an app; empty under `try`
  std::string models = {};  // of an app: what it stands for
  std::string title = {};   // for people; tells programs of one campaign apart

  std::vector<std::string> argv = {};  // a command, the program's path first; or, with a client:
  std::string serve = {};
  std::string ready = {};  // empty: ready once it listens
  std::string drive = {};
  std::string stop = {};  // empty: SIGTERM

  std::string setup = {};    // once, before all runs
  std::string prepare = {};  // before each run
  std::string digest = {};   // prints the state that the work has led to
  std::string filter = {};   // standard output passes through it before it is compared
  std::vector<std::string> check_files = {};
  std::vector<MetricPattern> metrics = {};
  std::vector<std::string> environment = {};  // KEY=VALUE, for the program itself
  std::vector<std::string> allocators = {};   // specs to run besides the chosen ones
  std::vector<std::string> packages = {};     // that bring what it needs
  std::vector<std::string> programs = {};     // that it needs: names, paths, or globs of paths
  std::string input = {};                     // file for standard input; empty: nothing to read
  std::string directory = {};                 // working directory; empty: HEAPWISE_RUN_DIR
  std::string app_directory = {};             // of the app's own files
  int expected_exit_code = 0;
  Timing timing = Timing::kWhole;

  bool is_served() const { return !serve.empty(); }
  bool operator==(const ProgramDescription&) const = default;
};

Json to_json(const ProgramDescription& program);

/// Throws UsageError for a field that is unknown, missing or of the wrong kind; `where` names the
/// file for the message.
ProgramDescription program_from_json(const Json& json, const std::string& where);

/// Throws UsageError where the parts do not fit together: both a command and a server, a server
/// without a client, a client without a server.
void require_consistent(const ProgramDescription& program);

/// The words for a shell, quoted where they need it.
std::string shell_text(const std::vector<std::string>& argv);

}  // namespace heapwise

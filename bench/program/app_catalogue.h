// The real programs that come with the suite: one folder each under workloads/apps, with an
// app.json and the program's inputs.
#pragma once

#include <string>
#include <vector>

#include "bench/program/program_description.h"

namespace heapwise {

/// `apps` stands for all of them, `apps/NAME` for one.
inline constexpr const char* kApps = "apps";

/// All apps in the order of their names. Throws UsageError for an app.json that cannot be read.
std::vector<ProgramDescription> read_apps(const std::string& apps_folder);

/// Whether the name of a workload is that of apps.
bool names_apps(const std::string& workload);

/// The name of an app as a workload: `apps/NAME`.
std::string workload_name(const ProgramDescription& app);

/// What it needs and cannot be found here; empty when it can run.
std::vector<std::string> missing_programs(const ProgramDescription& app);

/// `redis-server is not installed: apt-get install redis-server redis-tools`.
std::string missing_words(const ProgramDescription& app, const std::vector<std::string>& missing);

/// The apps that `apps` or `apps/NAME` stands for. Throws UsageError for a name that is none.
std::vector<ProgramDescription> choose_apps(const std::vector<ProgramDescription>& apps,
                                            const std::string& workload);

}  // namespace heapwise

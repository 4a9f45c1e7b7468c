#include "bench/program/app_catalogue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "bench/core/spec.h"
#include "bench/program/program_file.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

bool is_installed(const std::string& program) {
  if (program.find('/') == std::string::npos) return find_program(program).has_value();
  glob_t found{};
  const bool any = glob(program.c_str(), 0, nullptr, &found) == 0;
  globfree(&found);
  return any;
}

ProgramDescription read_app(const fs::path& file) {
  std::ifstream stream(file);
  const auto json = Json::parse(stream, nullptr, false);
  if (json.is_discarded()) throw UsageError("'" + file.string() + "' is not JSON; mend it");
  auto app = program_from_json(json, "'" + file.string() + "'");
  const auto folder = file.parent_path();
  if (app.name != folder.filename().string()) {
    throw UsageError("'" + file.string() + "' names itself '" + app.name +
                     "'; an app has the name of its folder");
  }
  app.title = app.name;
  app.app_directory = fs::canonical(folder).string();
  return app;
}

}  // namespace

std::vector<ProgramDescription> read_apps(const std::string& apps_folder) {
  std::vector<ProgramDescription> apps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(apps_folder, error)) {
    const auto file = entry.path() / "app.json";
    if (fs::exists(file)) apps.push_back(read_app(file));
  }
  std::ranges::sort(apps, {}, &ProgramDescription::name);
  return apps;
}

bool names_apps(const std::string& workload) {
  return workload == kApps || workload.rfind(std::string(kApps) + "/", 0) == 0;
}

std::string workload_name(const ProgramDescription& app) {
  return std::string(kApps) + "/" + app.name;
}

std::vector<std::string> missing_programs(const ProgramDescription& app) {
  std::vector<std::string> missing;
  std::ranges::copy_if(app.programs, std::back_inserter(missing),
                       [](const auto& program) { return !is_installed(program); });
  return missing;
}

std::string missing_words(const ProgramDescription& app, const std::vector<std::string>& missing) {
  return fmt::format("{} not installed: apt-get install {}", fmt::join(missing, ", "),
                     fmt::join(app.packages, " "));
}

std::vector<ProgramDescription> choose_apps(const std::vector<ProgramDescription>& apps,
                                            const std::string& workload) {
  if (workload == kApps) return apps;
  std::vector<std::string> names;
  for (const auto& app : apps) {
    if (workload_name(app) == workload) return {app};
    names.push_back(workload_name(app));
  }
  throw UsageError("there is no app '" + workload + "'" + did_you_mean(workload, names) +
                   "; see heapwise list");
}

}  // namespace heapwise

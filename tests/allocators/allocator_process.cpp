#include "tests/allocators/allocator_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ostream>

namespace heapwise {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::string read_to_end(int file) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(file, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

ProcessEnd run_process(const std::vector<std::string>& command,
                       const std::vector<std::string>& environment) {
  auto arguments = command;
  auto variables = environment;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0].c_str(), &actions, nullptr,
                                pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  ProcessEnd end;
  if (error == 0) {
    end.output = read_to_end(ends[0]);
    waitpid(child, &end.wait_status, 0);
  }
  close(ends[0]);
  return end;
}

ResolvedAllocator resolve_text(const std::string& spec) {
  return resolve_allocator(parse_spec(spec), HEAPWISE_PARTS_DIRECTORY);
}

namespace {

ProcessIdentity identify(const std::string& spec, const std::string& expected,
                         const std::vector<std::string>& environment) {
  const auto end = run_process({HEAPWISE_IDENTITY_PROGRAM, spec, expected}, environment);
  EXPECT_EQ(end.wait_status, 0) << spec << ": " << end.output;
  const auto json = nlohmann::json::parse(end.output, nullptr, false);
  if (!json.is_object()) {
    ADD_FAILURE() << spec << " printed: " << end.output;
    return {};
  }
  const auto& identity = json["identity"];
  return {.identity = {.library_path = identity["library_path"],
                       .build_id = identity["build_id"],
                       .version = identity["version"],
                       .version_source = identity["version_source"],
                       .settings = settings_from_json(identity["settings"]),
                       .contradiction = json["contradiction"]},
          .settings = settings_from_json(json["settings"])};
}

}  // namespace

ProcessIdentity identify_under(const std::string& spec,
                               const std::vector<std::string>& preload_before) {
  const auto resolved = resolve_text(spec);
  return identify(spec, resolved.library_path, child_environment(resolved, preload_before));
}

ProcessIdentity identify_claimed(const std::string& claimed, const ResolvedAllocator& actual) {
  return identify(claimed, resolve_text(claimed).library_path, child_environment(actual, {}));
}

SettingReport report_on(const std::vector<SettingReport>& settings, const std::string& key) {
  for (const auto& report : settings) {
    if (report.key == key) return report;
  }
  ADD_FAILURE() << "no report on " << key;
  return {};
}

void PrintTo(Verdict verdict, std::ostream* stream) {
  *stream << to_json(SettingReport{.verdict = verdict})["verdict"];
}

}  // namespace heapwise

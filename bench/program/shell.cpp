#include "bench/program/shell.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <fstream>

#include "bench/run/outcome.h"

namespace heapwise {
namespace {

void add_option(const char* option, const std::string& value, std::vector<std::string>& options) {
  if (value.empty()) return;
  options.emplace_back(option);
  options.push_back(value);
}

}  // namespace

ChildRequest child_request(const ShellCommand& command, const std::string& launcher) {
  ChildRequest request{.launcher = launcher,
                       .launch_options = {},
                       .command = {"/bin/sh", "-c", command.text},
                       .environment = command.environment};
  add_option("--stdin", command.input_file, request.launch_options);
  add_option("--stdout", command.output_file, request.launch_options);
  add_option("--stderr", command.errors_file, request.launch_options);
  add_option("--directory", command.directory, request.launch_options);
  return request;
}

bool succeeded(const ChildEnd& end) {
  return end.stopped == Stop::kNone && end.report && end.report->exec_errno == 0 &&
         WIFEXITED(end.report->wait_status) && WEXITSTATUS(end.report->wait_status) == 0;
}

std::string ending_words(const ChildEnd& end) {
  if (end.stopped == Stop::kTimedOut) return "not done in time, so it was stopped";
  if (!end.report) return "heapwise-launch ended without a report" + last_words(end.errors);
  if (end.report->exec_errno != 0) return not_started_words(end);
  const int status = end.report->wait_status;
  if (WIFSIGNALED(status)) {
    return "ended by " + signal_name(WTERMSIG(status)) + last_words(end.errors);
  }
  return fmt::format("exit code {}{}", WEXITSTATUS(status), last_words(end.errors));
}

std::string tail_of(const std::string& path, Bytes limit) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto size = static_cast<std::uint64_t>(file.tellg());
  const auto length = std::min(size, limit.value);
  std::string text(length, '\0');
  file.seekg(static_cast<std::streamoff>(size - length));
  file.read(text.data(), static_cast<std::streamsize>(length));
  return text;
}

}  // namespace heapwise

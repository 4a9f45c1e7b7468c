#include "tests/bench/launch/launched.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace heapwise {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kNap = std::chrono::milliseconds(5);
constexpr int kOverdueMilliseconds = 20'000;
constexpr int kSignalExitBase = 128;

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> arguments_of(const LaunchRequest& request, int report_descriptor) {
  std::vector<std::string> arguments{HEAPWISE_LAUNCH};
  if (request.names_report) {
    arguments.insert(arguments.end(), {"--report-fd", std::to_string(report_descriptor)});
  }
  arguments.insert(arguments.end(), request.options.begin(), request.options.end());
  if (!request.command.empty()) arguments.emplace_back("--");
  arguments.insert(arguments.end(), request.command.begin(), request.command.end());
  return arguments;
}

std::string name_of(const std::string& entry) {
  return entry.substr(0, entry.find('='));
}

// What the request sets replaces what is inherited.
std::vector<std::string> environment_of(const LaunchRequest& request) {
  std::vector<std::string> all = request.environment;
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    const std::string entry = *inherited;
    const bool is_replaced =
        std::any_of(request.environment.begin(), request.environment.end(),
                    [&entry](const std::string& own) { return name_of(own) == name_of(entry); });
    if (!is_replaced) all.push_back(entry);
  }
  return all;
}

template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kNap);
  }
  return true;
}

// A launcher that never ends is to fail its test and not to hang it.
void kill_when_overdue(pid_t process) {
  pollfd end{static_cast<int>(syscall(SYS_pidfd_open, process, 0)), POLLIN, 0};
  if (end.fd < 0) return;
  if (poll(&end, 1, kOverdueMilliseconds) == 0) kill(process, SIGKILL);
  close(end.fd);
}

}  // namespace

bool LaunchResult::exited_with(int code) const {
  return report_written && report.exec_errno == 0 && WIFEXITED(report.wait_status) &&
         WEXITSTATUS(report.wait_status) == code;
}

bool LaunchResult::killed_by(int signal) const {
  return report_written && report.exec_errno == 0 && WIFSIGNALED(report.wait_status) &&
         WTERMSIG(report.wait_status) == signal;
}

Launch::Launch(const LaunchRequest& request) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  report_descriptor_ = ends[0];
  output_descriptor_ = memfd_create("output", MFD_CLOEXEC);
  auto arguments = arguments_of(request, ends[1]);
  auto environment = environment_of(request);
  const auto argument_pointers = pointers_to(arguments);
  const auto environment_pointers = pointers_to(environment);
  pid_ = fork();
  if (pid_ == 0) {
    fcntl(ends[1], F_SETFD, 0);
    // Appending, so that several writers do not overwrite each other.
    fcntl(output_descriptor_, F_SETFL, O_APPEND);
    dup2(output_descriptor_, STDOUT_FILENO);
    dup2(output_descriptor_, STDERR_FILENO);
    execve(HEAPWISE_LAUNCH, argument_pointers.data(), environment_pointers.data());
    _exit(kSignalExitBase - 1);
  }
  close(ends[1]);
}

std::string Launch::report_pipe_name() const {
  struct stat status {};
  fstat(report_descriptor_, &status);
  return "pipe:[" + std::to_string(status.st_ino) + "]";
}

std::string Launch::output() const {
  std::string text;
  char bytes[4096];
  ssize_t length = 0;
  while ((length = pread(output_descriptor_, bytes, sizeof bytes,
                         static_cast<off_t>(text.size()))) > 0) {
    text.append(bytes, static_cast<std::size_t>(length));
  }
  return text;
}

std::string Launch::wait_for_lines(std::size_t lines) const {
  std::string text;
  comes_true([&] {
    text = output();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= lines;
  });
  return text;
}

LaunchResult Launch::finish() {
  LaunchResult result;
  int status = 0;
  kill_when_overdue(pid_);
  waitpid(pid_, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalExitBase + WTERMSIG(status);
  // Whoever else might hold the pipe open must not make the test hang.
  fcntl(report_descriptor_, F_SETFL, O_NONBLOCK);
  result.report_written =
      read(report_descriptor_, &result.report, sizeof result.report) == sizeof result.report &&
      result.report.magic == kLaunchReportMagic;
  close(report_descriptor_);
  result.output = output();
  close(output_descriptor_);
  return result;
}

LaunchResult run_launched(const LaunchRequest& request) {
  return Launch(request).finish();
}

bool has_ended(pid_t process) {
  return comes_true([process] {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    if (!std::getline(file, text)) return true;
    const auto state = text.rfind(") ");
    return state == std::string::npos || text[state + 2] == 'Z' || text[state + 2] == 'X';
  });
}

}  // namespace heapwise

#include "bench/program/tree_usage.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "bench/core/clock.h"
#include "bench/program/proc_file.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

Nanoseconds from_ticks(std::uint64_t ticks) {
  constexpr std::uint64_t kPerSecond = 1'000'000'000;
  static const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return {ticks * (kPerSecond / per_second)};
}

void add_children(const ProcessStat& stat, TreeUsage& usage) {
  usage.user_cpu += from_ticks(stat.children_user_ticks);
  usage.system_cpu += from_ticks(stat.children_system_ticks);
  usage.minor_faults_count += stat.children_minor_faults_count;
  usage.major_faults_count += stat.children_major_faults_count;
}

/// The process's CPU clock, which is finer than its ticks, split as the ticks are.
void add_cpu(pid_t process, const ProcessStat& stat, TreeUsage& usage) {
  auto user = from_ticks(stat.user_ticks);
  auto system = from_ticks(stat.system_ticks);
  clockid_t clock{};
  if (clock_getcpuclockid(process, &clock) == 0) {
    const auto all = read_clock(clock);
    const auto ticks = stat.user_ticks + stat.system_ticks;
    user = ticks == 0 ? all : Nanoseconds{all.value / ticks * stat.user_ticks};
    system = all - user;
  }
  usage.user_cpu += user;
  usage.system_cpu += system;
}

std::uint64_t number_behind(const std::string& text, std::string_view key) {
  const auto at = text.find(key);
  std::uint64_t number = 0;
  if (at == std::string::npos) return number;
  const auto begins = text.find_first_not_of(" \t", at + key.size());
  if (begins == std::string::npos) return number;
  std::from_chars(text.data() + begins, text.data() + text.size(), number);
  return number;
}

void add_switches(pid_t process, TreeUsage& usage) {
  std::error_code error;
  fs::directory_iterator task(fmt::format("/proc/{}/task", process), error);
  for (; !error && task != fs::directory_iterator(); task.increment(error)) {
    const auto status = read_proc_file(task->path().string() + "/status");
    usage.voluntary_switches_count += number_behind(status, "\nvoluntary_ctxt_switches:");
    usage.involuntary_switches_count += number_behind(status, "\nnonvoluntary_ctxt_switches:");
  }
}

std::uint64_t rise(std::uint64_t before, std::uint64_t after) {
  return after > before ? after - before : 0;
}

}  // namespace

TreeUsage read_tree_usage(pid_t launcher, const std::vector<pid_t>& members) {
  TreeUsage usage;
  if (const auto stat = read_process_stat(launcher)) add_children(*stat, usage);
  for (const auto process : members) {
    const auto stat = read_process_stat(process);
    if (!stat) continue;
    add_children(*stat, usage);
    usage.minor_faults_count += stat->minor_faults_count;
    usage.major_faults_count += stat->major_faults_count;
    add_cpu(process, *stat, usage);
    add_switches(process, usage);
  }
  return usage;
}

TreeUsage usage_between(const TreeUsage& before, const TreeUsage& after) {
  return {
      .user_cpu = {rise(before.user_cpu.value, after.user_cpu.value)},
      .system_cpu = {rise(before.system_cpu.value, after.system_cpu.value)},
      .minor_faults_count = rise(before.minor_faults_count, after.minor_faults_count),
      .major_faults_count = rise(before.major_faults_count, after.major_faults_count),
      .voluntary_switches_count =
          rise(before.voluntary_switches_count, after.voluntary_switches_count),
      .involuntary_switches_count =
          rise(before.involuntary_switches_count, after.involuntary_switches_count),
  };
}

}  // namespace heapwise

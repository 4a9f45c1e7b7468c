#include "bench/program/tree_watch.h"

#include <sys/stat.h>

#include <algorithm>

#include "bench/core/clock.h"
#include "bench/run/environment.h"

namespace heapwise {
namespace {

constexpr Nanoseconds kFirstLook{2'000'000};
constexpr Nanoseconds kPause{10'000'000};
constexpr Nanoseconds kBetweenChecks{50'000'000};
constexpr std::uint64_t kPausesPerLook = 100;  // 1 %
constexpr std::uint64_t kPausesPerPss = 50;    // 2 %
constexpr std::uint64_t kPausesPerUntimedLook = 2;
constexpr std::size_t kMostPoints = 2000;

std::uint64_t size_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

void drop_every_second(std::vector<std::uint64_t>& values) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < values.size(); i += 2) values[kept++] = values[i];
  values.resize(kept);
}

}  // namespace

TreeWatch::TreeWatch(WatchedTree tree, TreeLimits limits, std::function<void(const Members&)> also)
    : tree_(tree.launcher),
      launcher_executable_(std::move(tree.launcher_executable)),
      limits_(std::move(limits)),
      also_(std::move(also)),
      started_(monotonic_now()),
      due_(started_ + kFirstLook),
      least_pause_(kPause) {}

bool TreeWatch::look() {
  const auto begun = monotonic_now();
  const auto members = this->members();
  const auto sample = read_members(members);
  if (begun >= limits_due_) {
    check_limits();
    limits_due_ = begun + kBetweenChecks;
  }
  const auto cheap = monotonic_now() - begun;
  if (!members.empty()) {
    add_point(members, sample);
    if (also_) also_(members);
  }
  const auto ended = monotonic_now();
  const auto pause = also_ ? Nanoseconds{(ended - begun).value * kPausesPerUntimedLook}
                           : Nanoseconds{cheap.value * kPausesPerLook};
  due_ = ended + std::max(least_pause_, pause);
  spent_ += ended - begun;
  return alarm_ == TreeAlarm::kNone;
}

TreeWatch::Members TreeWatch::members() {
  auto members = tree_.look();
  std::erase_if(members, [&](pid_t process) {
    return !launcher_executable_.empty() && executable_of(process) == launcher_executable_;
  });
  return members;
}

TreeWatch::Sample TreeWatch::read_members(const Members& members) {
  Sample sample;
  for (const auto process : members) {
    const auto memory = read_memory(process);
    sample.rss += memory.rss;
    sample.vsz += memory.vsz;
    const auto executable = executable_of(process);
    if (executable.empty()) continue;
    executables_.insert(executable);
    if (memory.rss > largest_.rss) largest_ = {process, executable, memory.rss};
  }
  vsz_peak_ = std::max(vsz_peak_, sample.vsz);
  return sample;
}

void TreeWatch::add_point(const Members& members, const Sample& sample) {
  auto tree = sample.rss;
  if (members.size() > 1) {
    const auto begun = monotonic_now();
    if (begun < pss_due_) return;
    tree = {};
    for (const auto process : members) tree += read_pss(process);
    const auto ended = monotonic_now();
    pss_due_ = ended + Nanoseconds{(ended - begun).value * kPausesPerPss};
  }
  tree_peak_ = std::max(tree_peak_, tree);
  timeline_.elapsed_ns.push_back((monotonic_now() - started_).value);
  timeline_.tree_bytes.push_back(tree.value);
  timeline_.vsz_bytes.push_back(sample.vsz.value);
  timeline_.processes_count.push_back(members.size());
  if (timeline_.elapsed_ns.size() >= kMostPoints) thin_out();
}

void TreeWatch::check_limits() {
  available_ = available_memory();
  if (available_ < limits_.least_available) alarm_ = TreeAlarm::kMemory;
  for (const auto& path : limits_.outputs) {
    if (size_of(path) > limits_.most_output.value) alarm_ = TreeAlarm::kOutput;
  }
}

/// A long run keeps its whole course at half the resolution.
void TreeWatch::thin_out() {
  for (auto* values : {&timeline_.elapsed_ns, &timeline_.tree_bytes, &timeline_.vsz_bytes,
                       &timeline_.processes_count}) {
    drop_every_second(*values);
  }
  least_pause_.value *= 2;
}

}  // namespace heapwise

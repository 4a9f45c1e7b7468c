#include "bench/inspect/inspection.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "allocators/descriptor.h"
#include "allocators/elf_library.h"
#include "allocators/package_database.h"
#include "bench/core/clock.h"
#include "bench/program/proc_file.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

/// A hundredth: a process that waits for smaps so long loses no more than what cannot be measured.
constexpr std::uint64_t kSmapsShare = 100;

/// The process that a number means, which may be another of its threads'.
ProcessFiles files_of(pid_t number) {
  const ProcessFiles files(number);
  const auto process = process_of_thread(files);
  return process == 0 || process == number ? files : ProcessFiles(process);
}

/// Its own libraries' files, which may lie in another root than ours.
bool exports_malloc_there(const ProcessFiles& files, const std::string& executable,
                          const std::string& path) {
  return exports_malloc(path == executable ? files.path("exe") : files.path("root") + path);
}

std::string version_of(const AnsweringMalloc& malloc) {
  const auto* descriptor = find_descriptor(malloc.allocator);
  if (descriptor == nullptr || descriptor->package.empty()) return {};
  return find_package(malloc.library_path, descriptor->package, true).version;
}

std::vector<std::string> missing_of(const std::vector<std::string>& preloaded,
                                    const std::vector<std::string>& files) {
  auto missing = preloaded;
  std::erase_if(missing, [&](const std::string& named) {
    return std::ranges::any_of(files,
                               [&](const auto& file) { return is_same_library(named, file); });
  });
  return missing;
}

}  // namespace

Nanoseconds Inspection::memory_age() const {
  return counters.taken_at > memory_taken_at ? counters.taken_at - memory_taken_at : Nanoseconds{};
}

Inspector::Inspector(pid_t process) : files_(files_of(process)) {
  inspection_.process = identify(files_, geteuid());
  const auto pid = inspection_.process.pid;
  end_ = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  inspection_.is_self = pid == getpid();
  inspection_.surroundings = read_surroundings(SystemCgroupFiles(), pid);
  read_malloc(parse_memory_mappings(files_.read("maps").text));
  hints_ = {.executable = inspection_.process.executable,
            .thread_stack = default_thread_stack(files_.read("limits").text),
            .arenas_by_shape = inspection_.malloc.is_glibc(),
            .read_header = [pid](std::uint64_t begins, ArenaHeapHeader& header) {
              return read_arena_heap_header(pid, begins, kArenaHeapBytes.value, header);
            }};
  auto counters = read_counters();
  if (counters) {
    inspection_.counters = *counters;
    hints_.threads_count = counters->threads_count;
  }
  const bool lives = counters && read_memory();
  if (lives) counters = read_counters();  // the first sample begins behind the dear reading
  if (!lives || !counters) {
    throw RunError(fmt::format("process {} ({}) has just ended; inspect one that lives longer", pid,
                               inspection_.process.name));
  }
  inspection_.counters = first_ = *counters;
}

void Inspector::read_malloc(const std::vector<MemoryMapping>& mappings) {
  const auto& executable = inspection_.process.executable;
  const auto files = code_files(mappings);
  inspection_.settings = malloc_settings(files_.read("environ").text);
  const auto* preload = find_setting(inspection_.settings, "LD_PRELOAD");
  const auto preloaded =
      preload == nullptr ? std::vector<std::string>() : preloaded_libraries(*preload);
  inspection_.preloads_missing = missing_of(preloaded, files);
  inspection_.malloc = find_answering_malloc(
      files, executable, preloaded,
      [&](const std::string& path) { return exports_malloc_there(files_, executable, path); });
  inspection_.malloc.version = version_of(inspection_.malloc);
}

bool Inspector::read_memory() {
  const auto begun = monotonic_now();
  const auto text = files_.read("smaps").text;
  inspection_.memory_taken_at = monotonic_now();
  if (text.empty()) return false;
  inspection_.smaps_reading = inspection_.memory_taken_at - begun;
  inspection_.memory = account_for(parse_memory_mappings(text), hints_);
  return true;
}

std::optional<ProcessCounters> Inspector::read_counters() const {
  const auto stat = files_.read("stat").text;
  const auto parsed = parse_process_stat(stat);
  // A later process may have the number of one that has ended.
  if (!parsed || parsed->started_ticks != inspection_.process.started_ticks) return std::nullopt;
  return parse_counters(stat, files_.read("status").text, monotonic_now());
}

bool Inspector::may_read_memory() const {
  const auto since = monotonic_now() - inspection_.memory_taken_at;
  return since.value / kSmapsShare >= inspection_.smaps_reading.value;
}

bool Inspector::look() {
  const auto before = inspection_.counters;
  const auto now = read_counters();
  if (!now) {
    inspection_.has_ended = true;
    return false;
  }
  inspection_.counters = *now;
  inspection_.rates = rates_between(before, *now);
  inspection_.overall = rates_between(first_, *now);
  inspection_.surroundings = read_surroundings(SystemCgroupFiles(), inspection_.process.pid);
  hints_.threads_count = now->threads_count;
  if (may_read_memory()) read_memory();
  return true;
}

}  // namespace heapwise

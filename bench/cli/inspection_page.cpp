#include "bench/cli/inspection_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/cli/page.h"
#include "bench/inspect/quantities.h"

namespace heapwise {
namespace {

/// In the words of the malloc that answers: only glibc's maps large objects for themselves alone.
std::string_view words_of(MappingKind kind, bool is_glibc) {
  switch (kind) {
    case MappingKind::kProgram:
      return "program: code, globals";
    case MappingKind::kHeap:
      return "heap";
    case MappingKind::kArenas:
      return "arenas";
    case MappingKind::kAnonymous:
      return is_glibc ? "large objects, own mmap" : "malloc's and own mmap";
    case MappingKind::kStacks:
      return "stacks";
    case MappingKind::kLibraries:
      return "libraries";
    case MappingKind::kFiles:
      return "other files";
    case MappingKind::kSharedMemory:
      return "shared memory";
    case MappingKind::kReserved:
      return "reserved, not memory";
    case MappingKind::kKernel:
      return "the kernel's";
  }
  return "";
}

std::string quoted_path(const std::string& path) {
  return path.empty() ? "a file that cannot be known" : path;
}

std::string malloc_words(const AnsweringMalloc& malloc) {
  const auto name = malloc.allocator.empty() ? std::string() : malloc.allocator + ", ";
  const auto version = malloc.version.empty() ? std::string() : " (" + malloc.version + ")";
  switch (malloc.origin) {
    case MallocOrigin::kCLibrary:
      return name + "the C library's own: " + malloc.library_path + version;
    case MallocOrigin::kProgram:
      return "the program's own: its file exports malloc";
    case MallocOrigin::kPreloaded:
      return name + "preloaded: " + malloc.library_path + version;
    case MallocOrigin::kLibrary:
      return name + "of a library: " + malloc.library_path + version;
    case MallocOrigin::kUnknown:
      break;
  }
  return "cannot be told: no C library is loaded (linked statically, or another language's "
         "runtime)";
}

std::string settings_words(const std::vector<KeyValue>& settings) {
  if (settings.empty()) return "none in its environment (calls of mallopt cannot be seen)";
  std::string words;
  for (const auto& [name, value] : settings) {
    words += fmt::format("{}{}={}", words.empty() ? "" : " ", name, value);
  }
  return words;
}

std::string cgroup_words(const std::optional<CgroupMemory>& cgroup) {
  if (!cgroup) return "no memory cgroup to be seen";
  if (!cgroup->limit) return "no limit by a memory cgroup";
  return fmt::format("memory cgroup {}: {} of {}", cgroup->folder, size_text(cgroup->use),
                     size_text(*cgroup->limit));
}

/// Overcommit is worth a word where mapping alone can fail.
std::string system_words(const Surroundings& around) {
  auto words = "huge pages " + (around.huge_pages.empty() ? "none" : around.huge_pages);
  if (!around.process_takes_huge_pages) words += ", but not for this process";
  constexpr std::uint64_t kStrict = 2;
  if (around.overcommit == kStrict) {
    words += fmt::format("; strict overcommit: {} of {} promised", size_text(around.committed),
                         size_text(around.commit_limit));
  }
  words +=
      fmt::format("; {} of {} available", size_text(around.available), size_text(around.memory));
  words += around.swap.value == 0 ? "; no swap" : "; swap " + size_text(around.swap);
  return words + "; " + cgroup_words(around.cgroup);
}

class TextPage {
 public:
  explicit TextPage(const PageFormat& format) : format_(format) {}

  void add_heading(const std::string& words) {
    text_ +=
        fmt::format("{}{}{}{}\n", text_.empty() ? "" : "\n", format_.has_colour ? "\033[1m" : "",
                    words, format_.has_colour ? "\033[0m" : "");
  }
  void add_hanging(const std::string& head, const std::string& words) {
    text_ += hanging_text(head, words, format_.columns);
  }
  void add_line(const std::string& line) { text_ += line + "\n"; }
  std::string take() { return std::move(text_); }

 private:
  PageFormat format_;
  std::string text_;
};

void add_identity(TextPage& page, const Inspection& inspection) {
  const auto& process = inspection.process;
  page.add_heading(fmt::format("{}, process {} of {}: {} {}{}", process.name, process.pid,
                               process.user_name, inspection.counters.threads_count,
                               inspection.counters.threads_count == 1 ? "thread" : "threads",
                               inspection.is_self ? " (this very command)" : ""));
  page.add_hanging("  program   ", quoted_path(process.executable));
  page.add_hanging("  malloc    ", malloc_words(inspection.malloc));
  page.add_hanging("  settings  ", settings_words(inspection.settings));
  page.add_hanging("  system    ", system_words(inspection.surroundings));
}

std::string memory_row(std::string_view name, const MemoryUse& use) {
  return fmt::format("  {:<24} {:>8} {:>9} {:>9} {:>9} {:>9} {:>10}", name,
                     count_text(use.mappings_count), size_text(use.vsz), size_text(use.rss),
                     size_text(use.pss), size_text(use.swap),
                     size_text(use.transparent_huge + use.hugetlb));
}

std::string arena_words(const MemoryAccount& memory) {
  const auto& arenas = memory.arenas;
  const auto whole = Bytes{arenas.heaps_count * kArenaHeapBytes.value};
  const auto opened = static_cast<double>(arenas.opened.value) / static_cast<double>(whole.value);
  const auto count = arenas.arenas_count ? fmt::format("{} beside the heap, in {} pieces",
                                                       *arenas.arenas_count, arenas.heaps_count)
                                         : fmt::format("{} heaps of arenas", arenas.heaps_count);
  return fmt::format("{} of 64 MiB address space each: {} ({}) are opened for objects, {} resident",
                     count, size_text(arenas.opened), share_text(opened),
                     size_text(memory.of(MappingKind::kArenas).rss));
}

std::string age_words(const Inspection& inspection) {
  constexpr Nanoseconds kNow{100'000'000};
  const auto age = inspection.memory_age();
  const auto took = seconds_text(inspection.smaps_reading);
  if (age < kNow) return fmt::format("As of now; reading it took {}.", took);
  return fmt::format("As of {} ago; reading it took {}, so that it is not read each time.",
                     seconds_text(age), took);
}

void add_memory(TextPage& page, const Inspection& inspection) {
  page.add_heading(fmt::format("  {:<24} {:>8} {:>9} {:>9} {:>9} {:>9} {:>10}", "memory",
                               "mappings", "VSZ", "RSS", "PSS", "swap", "huge pages"));
  for (std::size_t at = 0; at < kMappingKindsCount; ++at) {
    const auto kind = static_cast<MappingKind>(at);
    const auto& use = inspection.memory.of(kind);
    if (use.mappings_count > 0)
      page.add_line(memory_row(words_of(kind, inspection.malloc.is_glibc()), use));
  }
  page.add_line(memory_row("together", inspection.memory.total()));
  if (inspection.memory.arenas.heaps_count > 0) {
    page.add_hanging("  arenas: ", arena_words(inspection.memory));
  }
  page.add_hanging("  ", age_words(inspection));
}

void add_activity(TextPage& page, const Inspection& inspection) {
  const auto& counters = inspection.counters;
  const auto rates = inspection.rates.value_or(Rates{});
  const auto row = [&](std::string_view name, const std::string& so_far, const std::string& rate) {
    page.add_line(
        fmt::format("  {:<24} {:>18} {:>18}", name, so_far, inspection.rates ? rate : "unknown"));
  };
  const auto sample = inspection.rates ? " over " + seconds_text(rates.sample) : std::string();
  page.add_heading(fmt::format("  {:<24} {:>18} {:>18}", "activity", "so far", "a second") +
                   sample);
  row("minor faults", count_text(counters.minor_faults_count),
      rate_text(rates.minor_faults_per_second));
  row("major faults", count_text(counters.major_faults_count),
      rate_text(rates.major_faults_per_second));
  row("CPU, its own code", seconds_text(counters.user_cpu), share_text(rates.user_cpu_share));
  row("CPU, the kernel for it", seconds_text(counters.system_cpu),
      share_text(rates.system_cpu_share));
  const auto growth = [&](std::int64_t bytes) {
    return rates.seconds() <= 0 ? std::string("0")
                                : growth_text(static_cast<std::int64_t>(static_cast<double>(bytes) /
                                                                        rates.seconds()));
  };
  row("RSS", size_text(counters.rss), growth(rates.rss_growth_bytes));
  row("VSZ", size_text(counters.vsz), growth(rates.vsz_growth_bytes));
}

void add_advice(TextPage& page, const std::vector<Advice>& advice) {
  page.add_heading("What this suggests");
  bool names_command = false;
  for (const auto& each : advice) {
    page.add_hanging("  - ", each.sentence);
    for (const auto& command : each.next) {
      page.add_line("      " + command);
      names_command |= command.find("COMMAND") != std::string::npos;
    }
  }
  if (names_command) page.add_line("  COMMAND is how the program is started.");
}

}  // namespace

std::string inspection_page(const Inspection& inspection, const std::vector<Advice>& advice,
                            const PageFormat& format) {
  TextPage page(format);
  add_identity(page, inspection);
  add_memory(page, inspection);
  add_activity(page, inspection);
  add_advice(page, advice);
  return page.take();
}

std::string watch_heading() {
  return fmt::format("{:>8} {:>9} {:>9} {:>9} {:>10} {:>10} {:>7} {:>7}", "seconds", "RSS", "VSZ",
                     "swap", "minor/s", "major/s", "user", "kernel");
}

std::string watch_line(const Inspection& inspection) {
  const auto& counters = inspection.counters;
  const auto rates = inspection.rates.value_or(Rates{});
  return fmt::format("{:>8.1f} {:>9} {:>9} {:>9} {:>10} {:>10} {:>7} {:>7}",
                     inspection.overall.value_or(Rates{}).seconds(), size_text(counters.rss),
                     size_text(counters.vsz), size_text(counters.swap),
                     rate_text(rates.minor_faults_per_second),
                     rate_text(rates.major_faults_per_second), share_text(rates.user_cpu_share),
                     share_text(rates.system_cpu_share));
}

std::string first_lines(const std::string& text, std::size_t lines) {
  std::size_t end = 0;
  for (; lines > 0 && end < text.size(); --lines) {
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
  }
  return text.substr(0, end);
}

}  // namespace heapwise

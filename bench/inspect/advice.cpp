#include "bench/inspect/advice.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bench/core/units.h"
#include "bench/inspect/quantities.h"

namespace heapwise {
namespace {

using Commands = std::vector<std::string>;

/// Less than this is not worth a change of settings on any machine that runs a service.
constexpr Bytes kMuch{64 * kMiB.value};

/// A fifth of a process's memory is the least that its owner would notice in a graph.
constexpr double kNotablePart = 0.2;

/// As many arenas as the advice would leave.
constexpr std::uint64_t kFewArenas = 2;

/// A minor fault costs about 1 µs, so that ten thousand are a hundredth of a CPU at least, and what
/// the kernel does for them (zeroing, mmap_lock) several times that.
constexpr double kManyMinorFaults = 10'000;
/// Programs that compute spend a few per cent in the kernel; from a third on, faults are a cost.
constexpr double kHighSystemPart = 0.3;
/// Pages that stay are growth; where less than this part of the faulted ones stays, they come and
/// go.
constexpr double kStayingPart = 0.25;
/// Below this many faults a second, the kernel's time has another cause.
constexpr double kFewMinorFaults = 1'000;
/// What an idle process does is not worth a sentence: a fifth of one CPU.
constexpr double kBusyShare = 0.2;
constexpr double kMostlySystemPart = 0.5;

/// A read from a disk takes 0.1 to 10 ms: ten of them are up to a tenth of a second's waiting.
constexpr double kManyMajorFaults = 10;

/// 1 MiB a second is 84 GiB a day; and a hundredth of the memory, so that noise is not growth.
constexpr double kGrowthPerSecond = 1024.0 * 1024.0;
constexpr double kGrowthPart = 0.01;

/// "Nearly all", of a heap, a limit, a budget.
constexpr double kNearlyAll = 0.9;
constexpr double kHalf = 0.5;

/// Huge pages pay where memory is far larger than what the TLB covers with small ones (some MiB).
constexpr Bytes kLargeForSmallPages{512 * kMiB.value};
constexpr double kHardlyAnyPart = 0.05;
constexpr double kQuarter = 0.25;

/// Each mapped object is two system calls and a mapping; a thousand are no accident.
constexpr std::uint64_t kManyMappings = 1'000;
/// When four fifths of what the kernel allows are in use, it is time to look.
constexpr double kNearLimitPart = 0.8;

/// Address space that is ten times the memory misleads whoever reads VSZ; below 1 GiB nobody minds.
constexpr std::uint64_t kMisleadingFactor = 10;
constexpr Bytes kNotableAddressSpace{kGiB};

double part_of(Bytes part, Bytes whole) {
  return whole.value == 0 ? 0 : static_cast<double>(part.value) / static_cast<double>(whole.value);
}

Bytes rss_of(const Inspection& inspection) {
  return inspection.memory.total().rss;
}

/// What malloc, or the program by itself, has taken: an allocator can matter to that alone.
Bytes malloc_like_rss(const Inspection& inspection) {
  const auto& memory = inspection.memory;
  return memory.of(MappingKind::kHeap).rss + memory.of(MappingKind::kArenas).rss +
         memory.of(MappingKind::kAnonymous).rss;
}

bool is_much_of_memory(Bytes part, const Inspection& inspection) {
  return part >= kMuch && part_of(part, rss_of(inspection)) >= kNotablePart;
}

double page_bytes() {
  return static_cast<double>(sysconf(_SC_PAGESIZE));
}

std::string try_settings(std::string_view settings) {
  return fmt::format("heapwise try --allocators \"glibc glibc:{}\" -- COMMAND", settings);
}

Commands try_all(const Inspection&) {
  return {"heapwise try -- COMMAND"};
}

/// Raising one of the two alone cures nothing (claim 9.7); two sizes, because how large the objects
/// are cannot be seen.
Commands try_thresholds(const Inspection& inspection) {
  if (!inspection.malloc.is_glibc()) return try_all(inspection);
  return {
      try_settings("mmap_threshold=64M,trim_threshold=256M "
                   "glibc:mmap_threshold=1G,trim_threshold=2G")};
}

bool mentions(const Inspection& inspection, std::string_view variable, std::string_view item) {
  const auto* value = find_setting(inspection.settings, variable);
  return value != nullptr && value->find(item) != std::string::npos;
}

/// Faulted memory that stays, as a part of what was faulted.
double staying_part(const Rates& rates) {
  const double faulted = rates.minor_faults_per_second * rates.seconds() * page_bytes();
  return faulted > 0 ? static_cast<double>(rates.rss_growth_bytes) / faulted : 1;
}

bool faults_churn(const Inspection& inspection) {
  const auto& rates = inspection.rates;
  return rates && rates->minor_faults_per_second >= kManyMinorFaults &&
         rates->system_part() >= kHighSystemPart && staying_part(*rates) < kStayingPart;
}

std::string say_churn(const Inspection& inspection) {
  const auto& rates = *inspection.rates;
  const auto fresh = static_cast<std::uint64_t>(rates.minor_faults_per_second * page_bytes());
  return fmt::format(
      "{} minor faults a second ({} of fresh pages) while its memory hardly grows, and {} of its "
      "CPU "
      "time is the kernel's: memory is given back and taken again and again, as a rule by large "
      "objects that are mapped each time, by a heap that is trimmed and grows anew, or by a memory "
      "manager of the program's own.",
      rate_text(rates.minor_faults_per_second), size_text({fresh}),
      share_text(rates.system_part()));
}

bool faults_read(const Inspection& inspection) {
  return inspection.rates && inspection.rates->major_faults_per_second >= kManyMajorFaults;
}

bool faults_read_swap(const Inspection& inspection) {
  return faults_read(inspection) && inspection.counters.swap.value > 0;
}

std::string say_swap_faults(const Inspection& inspection) {
  return fmt::format(
      "{} major faults a second, and {} of it is swapped out: it waits for pages to come back from "
      "swap. Memory is short; malloc settings help only as far as they make it need less.",
      rate_text(inspection.rates->major_faults_per_second), size_text(inspection.counters.swap));
}

bool faults_read_files(const Inspection& inspection) {
  return faults_read(inspection) && inspection.counters.swap.value == 0;
}

std::string say_file_faults(const Inspection& inspection) {
  return fmt::format(
      "{} major faults a second and nothing swapped out: it reads files by mapping them (its own "
      "code at the start, or data). That is no matter of malloc, and no sign by itself that memory "
      "is short.",
      rate_text(inspection.rates->major_faults_per_second));
}

bool kernel_time_elsewhere(const Inspection& inspection) {
  const auto& rates = inspection.rates;
  return rates && rates->cpu_share() >= kBusyShare && rates->system_part() >= kMostlySystemPart &&
         rates->minor_faults_per_second < kFewMinorFaults;
}

std::string say_kernel_time_elsewhere(const Inspection& inspection) {
  return fmt::format(
      "{} of its CPU time is the kernel's, but it hardly faults ({} a second): that time goes to "
      "system calls, not to memory.",
      share_text(inspection.rates->system_part()),
      rate_text(inspection.rates->minor_faults_per_second));
}

Commands try_counting_calls(const Inspection& inspection) {
  return {fmt::format("strace -f -c -p {}    # counts its calls until Ctrl-C, and slows it down",
                      inspection.process.pid)};
}

bool limit_is_near(const Inspection& inspection) {
  const auto& cgroup = inspection.surroundings.cgroup;
  return cgroup && cgroup->limit && part_of(cgroup->use, *cgroup->limit) >= kNearlyAll;
}

std::string say_limit(const Inspection& inspection) {
  const auto& cgroup = *inspection.surroundings.cgroup;
  return fmt::format(
      "Its memory cgroup {} uses {} of the {} it may (cached files included, which go first): when "
      "nothing is left to drop, the kernel kills a process of the group.",
      cgroup.folder, size_text(cgroup.use), size_text(*cgroup.limit));
}

Commands try_that_limit(const Inspection& inspection) {
  const auto limit = inspection.surroundings.cgroup->limit->value;
  return {fmt::format("heapwise try --memory-limit {} -- COMMAND", format_scaled(limit))};
}

bool commit_is_near(const Inspection& inspection) {
  const auto& around = inspection.surroundings;
  return around.overcommit == 2 && part_of(around.committed, around.commit_limit) >= kNearlyAll;
}

std::string say_commit(const Inspection& inspection) {
  const auto& around = inspection.surroundings;
  return fmt::format(
      "vm.overcommit_memory is 2 and {} of {} are promised: here address space counts when it is "
      "mapped, touched or not, and beyond the limit malloc returns NULL while memory is still "
      "free.",
      size_text(around.committed), size_text(around.commit_limit));
}

bool mappings_run_out(const Inspection& inspection) {
  const auto limit = static_cast<double>(inspection.surroundings.mappings_limit);
  const auto count = static_cast<double>(inspection.memory.total().mappings_count);
  return limit > 0 && count >= kNearLimitPart * limit;
}

std::string say_mappings_run_out(const Inspection& inspection) {
  return fmt::format(
      "{} of the {} mappings that vm.max_map_count allows: beyond it mmap fails, and malloc with "
      "it "
      "for what it cannot take from a heap.",
      count_text(inspection.memory.total().mappings_count),
      count_text(inspection.surroundings.mappings_limit));
}

bool many_arenas(const Inspection& inspection) {
  return inspection.malloc.is_glibc() && inspection.memory.arenas.count() > kFewArenas &&
         is_much_of_memory(inspection.memory.of(MappingKind::kArenas).rss, inspection) &&
         !mentions(inspection, "GLIBC_TUNABLES", "glibc.malloc.arena_max") &&
         find_setting(inspection.settings, "MALLOC_ARENA_MAX") == nullptr;
}

std::string say_many_arenas(const Inspection& inspection) {
  const auto& memory = inspection.memory;
  const auto held = memory.of(MappingKind::kArenas).rss;
  return fmt::format(
      "{} arenas for {} threads hold {} resident, {} of its memory. What is free in one arena "
      "serves "
      "no other; fewer arenas hold less in reserve, and threads wait for each other more often.",
      memory.arenas.count(), inspection.counters.threads_count, size_text(held),
      share_text(part_of(held, rss_of(inspection))));
}

Commands try_fewer_arenas(const Inspection&) {
  return {try_settings("arena_max=2"),
          "GLIBC_TUNABLES=glibc.malloc.arena_max=2 COMMAND    # to run it so"};
}

bool grows(const Inspection& inspection) {
  const auto& overall = inspection.overall;
  if (!overall || overall->rss_growth_bytes <= 0) return false;
  const auto growth = static_cast<double>(overall->rss_growth_bytes);
  return growth >= kGrowthPerSecond * overall->seconds() &&
         growth >= kGrowthPart * static_cast<double>(inspection.counters.rss.value) &&
         staying_part(*overall) >= kStayingPart;
}

std::string say_grows(const Inspection& inspection) {
  const auto& overall = *inspection.overall;
  return fmt::format(
      "Its memory has grown by {} within {}. Whether that is a start, a cache that fills or a leak "
      "shows only over a longer time.",
      size_text({static_cast<std::uint64_t>(overall.rss_growth_bytes)}),
      seconds_text(overall.sample));
}

Commands try_watching(const Inspection& inspection) {
  return {fmt::format("heapwise inspect {} --watch 10 --for 10m", inspection.process.pid)};
}

bool heap_is_full(const Inspection& inspection) {
  const auto& heap = inspection.memory.of(MappingKind::kHeap);
  return inspection.malloc.is_glibc() && is_much_of_memory(heap.rss, inspection) &&
         part_of(heap.rss, heap.vsz) >= kNearlyAll;
}

std::string say_heap_is_full(const Inspection& inspection) {
  const auto& heap = inspection.memory.of(MappingKind::kHeap);
  return fmt::format(
      "Its heap has {}, of which {} are resident. How much of that is live cannot be seen from "
      "outside: what was freed below the last live object stays resident and is used again.",
      size_text(heap.vsz), size_text(heap.rss));
}

bool many_mapped_objects(const Inspection& inspection) {
  return inspection.malloc.is_glibc() &&
         inspection.memory.of(MappingKind::kAnonymous).mappings_count >= kManyMappings;
}

std::string say_many_mapped_objects(const Inspection& inspection) {
  return fmt::format(
      "{} anonymous mappings: large objects that malloc maps one by one, or the program's own. "
      "Each "
      "object costs two system calls and fresh pages whenever it is made; the C library maps "
      "65,536 "
      "at most.",
      count_text(inspection.memory.of(MappingKind::kAnonymous).mappings_count));
}

bool is_swapped(const Inspection& inspection) {
  const auto swap = inspection.counters.swap;
  return swap >= kMuch && part_of(swap, swap + inspection.counters.rss) >= kHardlyAnyPart;
}

std::string say_is_swapped(const Inspection& inspection) {
  return fmt::format(
      "{} of it is swapped out and no part of RSS: the first use of each of these pages is a major "
      "fault.",
      size_text(inspection.counters.swap));
}

bool stacks_hold_much(const Inspection& inspection) {
  return is_much_of_memory(inspection.memory.of(MappingKind::kStacks).rss, inspection);
}

std::string say_stacks_hold_much(const Inspection& inspection) {
  return fmt::format(
      "The stacks of its {} threads hold {} resident: pages that were once reached stay. That is "
      "no "
      "matter of malloc.",
      inspection.counters.threads_count, size_text(inspection.memory.of(MappingKind::kStacks).rss));
}

bool huge_pages_may_waste(const Inspection& inspection) {
  const auto huge = inspection.memory.total().transparent_huge;
  return inspection.surroundings.huge_pages == "always" && huge >= kMuch &&
         part_of(huge, rss_of(inspection)) >= kQuarter;
}

std::string say_huge_pages_may_waste(const Inspection& inspection) {
  return fmt::format(
      "{} of its {} are transparent huge pages (mode always): the first byte used makes 2 MiB "
      "resident, so that RSS can be more than what was touched, and freed memory comes back less "
      "often.",
      size_text(inspection.memory.total().transparent_huge), size_text(rss_of(inspection)));
}

bool huge_pages_may_help(const Inspection& inspection) {
  const auto& around = inspection.surroundings;
  const auto& rates = inspection.rates;
  const auto held = malloc_like_rss(inspection);
  return inspection.malloc.is_glibc() && around.huge_pages == "madvise" &&
         around.process_takes_huge_pages && held >= kLargeForSmallPages &&
         part_of(inspection.memory.total().transparent_huge, held) < kHardlyAnyPart && rates &&
         rates->cpu_share() >= kBusyShare &&
         !mentions(inspection, "GLIBC_TUNABLES", "glibc.malloc.hugetlb");
}

std::string say_huge_pages_may_help(const Inspection& inspection) {
  return fmt::format(
      "{} of malloc's memory lie in small pages, and the system gives huge ones to those who ask "
      "(mode madvise): they need fewer faults and fewer entries in the TLB.",
      size_text(malloc_like_rss(inspection)));
}

/// A number with a letter behind it, as sizes are written elsewhere.
bool is_scaled(std::string_view value) {
  return parse_scaled(value) && !value.empty() && value.back() > '9';
}

/// NAME=VALUE, of which there are several in GLIBC_TUNABLES.
struct Tunable {
  std::string_view head;  // up to and with the '='
  std::string_view value;
};

std::vector<Tunable> tunables_of(const Inspection& inspection) {
  const auto* text = find_setting(inspection.settings, "GLIBC_TUNABLES");
  std::string_view rest = text == nullptr ? std::string_view() : *text;
  std::vector<Tunable> tunables;
  while (!rest.empty()) {
    const auto item = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const auto behind = std::min(item.find('=') + 1, item.size());
    tunables.push_back({item.substr(0, behind), item.substr(behind)});
  }
  return tunables;
}

bool tunables_have_suffix(const Inspection& inspection) {
  const auto tunables = tunables_of(inspection);
  return std::ranges::any_of(tunables, is_scaled, &Tunable::value);
}

std::string say_tunables_have_suffix(const Inspection& inspection) {
  return fmt::format(
      "GLIBC_TUNABLES={}: the C library takes plain bytes and knows no K, M or G, so that these "
      "values are cut at the letter or ignored.",
      *find_setting(inspection.settings, "GLIBC_TUNABLES"));
}

Commands try_plain_tunables(const Inspection& inspection) {
  std::string plain;
  for (const auto& [head, value] : tunables_of(inspection)) {
    if (!plain.empty()) plain += ':';
    plain += head;
    plain += is_scaled(value) ? std::to_string(*parse_scaled(value)) : std::string(value);
  }
  return {fmt::format("GLIBC_TUNABLES={} COMMAND", plain)};
}

bool preload_is_missing(const Inspection& inspection) {
  return !inspection.preloads_missing.empty();
}

std::string say_preload_is_missing(const Inspection& inspection) {
  return fmt::format(
      "LD_PRELOAD names {}, which it has not loaded: the file is not there or built for another "
      "machine, the program is linked statically, or it changes its user (setuid).",
      fmt::join(inspection.preloads_missing, ", "));
}

Commands try_preload_as_spec(const Inspection& inspection) {
  return {
      fmt::format("heapwise try --allocators mine={} -- COMMAND    # says what is wrong with it",
                  inspection.preloads_missing.front())};
}

Bytes arenas_address_space(const Inspection& inspection) {
  return {inspection.memory.arenas.heaps_count * kArenaHeapBytes.value};
}

bool arenas_are_address_space(const Inspection& inspection) {
  const auto space = arenas_address_space(inspection);
  return inspection.counters.vsz >= kNotableAddressSpace &&
         part_of(space, inspection.counters.vsz) >= kHalf &&
         part_of(inspection.memory.of(MappingKind::kArenas).rss, space) < kQuarter;
}

std::string say_arenas_are_address_space(const Inspection& inspection) {
  return fmt::format(
      "{} of its VSZ of {} are the address space of arenas, 64 MiB for each heap of theirs, of "
      "which "
      "{} are memory. That much VSZ costs nothing.",
      size_text(arenas_address_space(inspection)), size_text(inspection.counters.vsz),
      size_text(inspection.memory.of(MappingKind::kArenas).rss));
}

bool address_space_misleads(const Inspection& inspection) {
  const auto& counters = inspection.counters;
  return !arenas_are_address_space(inspection) && counters.vsz >= kNotableAddressSpace &&
         counters.vsz.value / kMisleadingFactor >= counters.rss.value + counters.swap.value;
}

std::string say_address_space_misleads(const Inspection& inspection) {
  return fmt::format(
      "VSZ is {} and RSS {}: most of it is address space that was never touched, {} of it only "
      "reserved. Judge its memory by RSS, or by PSS where processes share pages.",
      size_text(inspection.counters.vsz), size_text(inspection.counters.rss),
      size_text(inspection.memory.of(MappingKind::kReserved).vsz));
}

bool heap_is_sparse(const Inspection& inspection) {
  const auto& heap = inspection.memory.of(MappingKind::kHeap);
  return heap.vsz >= kMuch && part_of(heap.rss + heap.swap, heap.vsz) < kHalf;
}

std::string say_heap_is_sparse(const Inspection& inspection) {
  const auto& heap = inspection.memory.of(MappingKind::kHeap);
  return fmt::format(
      "Of its heap's {} only {} are in memory: the rest was never touched, or given back from the "
      "middle (malloc_trim). It costs address space alone.",
      size_text(heap.vsz), size_text(heap.rss));
}

bool shares_pages(const Inspection& inspection) {
  const auto total = inspection.memory.total();
  return total.rss > total.pss && is_much_of_memory(total.rss - total.pss, inspection);
}

std::string say_shares_pages(const Inspection& inspection) {
  const auto total = inspection.memory.total();
  return fmt::format(
      "Its RSS of {} counts pages in full that it shares with other processes; by PSS it holds {}. "
      "Adding up the RSS of such processes counts them several times.",
      size_text(total.rss), size_text(total.pss));
}

bool is_hardly_malloc(const Inspection& inspection) {
  return rss_of(inspection) >= kMuch &&
         part_of(malloc_like_rss(inspection), rss_of(inspection)) < kNotablePart;
}

std::string say_is_hardly_malloc(const Inspection& inspection) {
  return fmt::format(
      "Of its {} only {} can be malloc's at all; the rest are files, libraries, shared memory and "
      "stacks, to which no allocator makes a difference.",
      size_text(rss_of(inspection)), size_text(malloc_like_rss(inspection)));
}

Commands try_huge_pages(const Inspection&) {
  return {try_settings("hugetlb=1")};
}

// What hurts now, what holds much, what misleads.
constexpr std::array kRules{
    Rule{"faults_churn", faults_churn, say_churn, try_thresholds, {"9.6", "9.7"}},
    Rule{"faults_read_swap", faults_read_swap, say_swap_faults, nullptr, {"9.3", "1.3b"}},
    Rule{"faults_read_files", faults_read_files, say_file_faults, nullptr, {"9.3", "9.5"}},
    Rule{"kernel_time_elsewhere", kernel_time_elsewhere, say_kernel_time_elsewhere,
         try_counting_calls},
    Rule{"limit_is_near", limit_is_near, say_limit, try_that_limit, {"1.3b"}},
    Rule{"commit_is_near", commit_is_near, say_commit, nullptr, {"4.3"}},
    Rule{"mappings_run_out", mappings_run_out, say_mappings_run_out, nullptr, {"3.4d"}},
    Rule{"many_arenas", many_arenas, say_many_arenas, try_fewer_arenas, {"2.5"}},
    Rule{"grows", grows, say_grows, try_watching, {"3.0"}},
    Rule{"heap_is_full", heap_is_full, say_heap_is_full, try_all, {"6.2", "7.1"}},
    Rule{"many_mapped_objects",
         many_mapped_objects,
         say_many_mapped_objects,
         try_thresholds,
         {"3.4d"}},
    Rule{"is_swapped", is_swapped, say_is_swapped, nullptr, {"1.3b"}},
    Rule{"stacks_hold_much", stacks_hold_much, say_stacks_hold_much, nullptr, {"2.7"}},
    Rule{"huge_pages_may_waste", huge_pages_may_waste, say_huge_pages_may_waste, nullptr, {"4.4"}},
    Rule{"huge_pages_may_help",
         huge_pages_may_help,
         say_huge_pages_may_help,
         try_huge_pages,
         {"8.6"}},
    Rule{"tunables_have_suffix", tunables_have_suffix, say_tunables_have_suffix,
         try_plain_tunables},
    Rule{"preload_is_missing", preload_is_missing, say_preload_is_missing, try_preload_as_spec},
    Rule{"arenas_are_address_space",
         arenas_are_address_space,
         say_arenas_are_address_space,
         nullptr,
         {"4.2"}},
    Rule{"address_space_misleads",
         address_space_misleads,
         say_address_space_misleads,
         nullptr,
         {"4.3"}},
    Rule{"heap_is_sparse", heap_is_sparse, say_heap_is_sparse, nullptr, {"6.4"}},
    Rule{"shares_pages", shares_pages, say_shares_pages, nullptr, {"1.1"}},
    Rule{"is_hardly_malloc", is_hardly_malloc, say_is_hardly_malloc, try_all},
};

Advice advice_of(const Rule& rule, const Inspection& inspection) {
  Advice advice{.rule = rule.name, .sentence = rule.says(inspection)};
  if (rule.tries != nullptr) advice.next = rule.tries(inspection);
  for (const auto claim : rule.claims) {
    if (!claim.empty()) advice.next.push_back(fmt::format("heapwise claims --explain {}", claim));
  }
  return advice;
}

Advice nothing_stands_out(const Inspection& inspection) {
  return {.rule = "nothing_stands_out",
          .sentence =
              "Nothing in these figures asks for another allocator or other settings. "
              "Whether one would be faster only a trial tells.",
          .next = try_all(inspection)};
}

}  // namespace

std::span<const Rule> all_rules() {
  return kRules;
}

std::vector<Advice> advise(const Inspection& inspection) {
  std::vector<Advice> advice;
  for (const auto& rule : kRules) {
    if (rule.applies(inspection)) advice.push_back(advice_of(rule, inspection));
  }
  if (advice.empty()) advice.push_back(nothing_stands_out(inspection));
  return advice;
}

}  // namespace heapwise

// Question 9: How do I see page faults, and what do they tell?
#include <fmt/format.h>

#include <string>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
// Faults an operation on a block of a mebibyte, 256 pages: many, and none but a stray one.
constexpr double kManyFaults = 100;
constexpr double kNoFaults = 1;

// Settings that switch the dynamic rule off: each block of a mebibyte is mapped; none is; and what
// else it takes to keep the freed memory.
constexpr const char* kMapped = "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=131072";
constexpr const char* kFromHeap = "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=67108864";
constexpr const char* kFromHeapUntrimmed =
    "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=67108864:glibc.malloc.trim_threshold=268435456";
constexpr const char* kFromHeapPadded =
    "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=67108864:glibc.malloc.top_pad=67108864";
constexpr const char* kNoEffect = "GLIBC_TUNABLES has no effect on this C library";

ExperimentRequest churn(const char* setting, const char* milliseconds) {
  ExperimentRequest request{.name = "block_churn", .arguments = {"1048576", milliseconds}};
  if (*setting != '\0') request.environment = {setting};
  return request;
}

double faults_an_operation(const Evidence& told) {
  return static_cast<double>(told.value("minor_faults_count")) /
         static_cast<double>(told.value("operations_count"));
}

/// Of the CPU time, what the kernel used, in per cent.
double system_percent(const Evidence& told) {
  const auto system_ns = static_cast<double>(told.value("system_ns"));
  const auto all_ns = system_ns + static_cast<double>(told.value("user_ns"));
  return all_ns > 0 ? 100 * system_ns / all_ns : 0;
}

Judgement judge_ps(const Findings& findings) {
  const auto& told = findings.front();
  const auto ps_minor = told.value("ps_minor_faults_count");
  const auto ps_major = told.value("ps_major_faults_count");
  const auto own_minor = told.value("own_minor_faults_count");
  const auto own_major = told.value("own_major_faults_count");
  return holds_when(
      ps_minor == own_minor && ps_major == own_major,
      fmt::format("ps: {} minor and {} major faults; the process itself, by getrusage: {} and {}",
                  grouped(ps_minor), grouped(ps_major), grouped(own_minor), grouped(own_major)));
}

Judgement judge_since_the_beginning(const Findings& findings) {
  const auto& told = findings.front();
  const auto pages = told.value("pages_count");
  const auto both = told.value("both_touches_faults_count");
  const auto child_pages = told.value("child_pages_count");
  const auto child_first = told.value("child_first_count");
  const auto after_exec = told.value("minor_faults_after_exec_count");
  const bool is_cumulative = both >= 2 * pages && told.value("unmap_faults_count") >= 0;
  const bool is_own = child_first < told.value("parent_first_count") &&
                      told.value("child_last_count") - child_first >= child_pages &&
                      told.value("meanwhile_faults_count") < child_pages;
  return holds_when(
      is_cumulative && is_own && after_exec >= child_pages,
      fmt::format("{} pages written, unmapped, and {} others written: +{} minor faults in all; a "
                  "child began with {} and "
                  "had {} after {} pages, which its parent's count did not notice (+{}); after "
                  "exec a child still "
                  "had its {} from before",
                  pages, pages, grouped(both), child_first, grouped(told.value("child_last_count")),
                  grouped(child_pages), told.value("meanwhile_faults_count"), grouped(after_exec)));
}

std::string cold_sentence(const Evidence& told) {
  const auto pages = told.value("pages_count");
  const auto wanted = told.value("wanted_pages_count");
  const auto shorter =
      pages < wanted ? fmt::format(" ({} were planned, but storage is slow here)", grouped(wanted))
                     : std::string();
  return fmt::format(
      "{} pages of a file{} read from {}: {} major faults, {} MiB from storage, {:.1f} µs a page",
      grouped(pages), shorter, told.text("folder"), grouped(told.value("cold_major_faults_count")),
      told.value("cold_read_bytes") / kMiB,
      static_cast<double>(told.value("cold_elapsed_ns")) / 1e3 / static_cast<double>(pages));
}

Judgement judge_major_reads_storage(const Findings& findings) {
  const auto& told = findings.front();
  const auto pages = told.value("pages_count");
  const auto cold = told.value("cold_major_faults_count");
  const auto warm = told.value("warm_major_faults_count");
  const auto anonymous = told.value("anonymous_major_faults_count");
  const auto measured = fmt::format(
      "{}; once more from memory: {} major, {} minor; {} fresh anonymous pages: {} major, {} minor",
      cold_sentence(told), warm, grouped(told.value("warm_minor_faults_count")), grouped(pages),
      anonymous, grouped(told.value("anonymous_minor_faults_count")));
  const bool read_storage = told.value("cold_read_bytes") >= pages * told.value("page_bytes");
  // Another process may use the disk, but not so often that it matters.
  const bool one_a_page = cold >= pages && cold <= pages + pages / 100;
  if (!read_storage || !one_a_page || warm > pages / 100) return does_not_hold(measured);
  if (anonymous > pages / 100) return holds(measured);
  return holds_if("the page belongs to a file, or was swapped out; fresh memory has none to read",
                  measured);
}

Judgement judge_system_time(const Findings& findings) {
  const auto& faulting = findings[0];
  const auto& reusing = findings[1];
  const auto many = faults_an_operation(faulting);
  const auto none = faults_an_operation(reusing);
  if (many < kManyFaults) return not_testable(kNoEffect);
  const auto measured = fmt::format(
      "blocks of 1 MiB with {:.0f} minor faults an operation: {:.0f} % of the CPU time is the "
      "kernel's, {:.0f} µs an "
      "operation; with {:.0f}: {:.0f} %, {:.1f} µs",
      many, system_percent(faulting), static_cast<double>(faulting.value("operation_ns")) / 1e3,
      none, system_percent(reusing), static_cast<double>(reusing.value("operation_ns")) / 1e3);
  if (none >= kNoFaults)
    return not_testable("malloc as installed faults here as well: " + measured);
  constexpr double kHighPercent = 50;
  constexpr double kLowPercent = 25;
  return holds_when(
      system_percent(faulting) > kHighPercent && system_percent(reusing) < kLowPercent, measured);
}

Judgement judge_major_means_shortage(const Findings& findings) {
  const auto& told = findings.front();
  const auto pages = told.value("pages_count");
  const auto available = told.value("available_memory_bytes");
  const auto measured = fmt::format("{}, with {} MiB of memory available", cold_sentence(told),
                                    grouped(available / kMiB));
  constexpr std::int64_t kPlenty = 20;
  if (available < kPlenty * pages * told.value("page_bytes")) {
    return not_testable("memory is short here: " + measured);
  }
  return holds_when(told.value("cold_major_faults_count") < pages / 2, measured);
}

Judgement judge_minor_from_mapping(const Findings& findings) {
  const auto& mapped = findings[0];
  const auto& rounds = findings[1];
  const auto of_mapped = faults_an_operation(mapped);
  if (of_mapped < kManyFaults) return not_testable(kNoEffect);
  const auto rounds_count = rounds.value("rounds_count");
  const auto of_round = rounds.value("faults_count") / rounds_count;
  const auto measured = fmt::format(
      "a mapped block of 1 MiB: {:.0f} minor faults an operation; {} blocks of {} bytes, {} of "
      "them mapped, freed "
      "together: {} a round; the same below a block that stays: {}",
      of_mapped, grouped(rounds.value("blocks_count")), grouped(rounds.value("size_bytes")),
      rounds.value("mapped_count"), of_round, rounds.value("pinned_faults_count") / rounds_count);
  if (rounds.value("mapped_count") == 0 && static_cast<double>(of_round) >= kManyFaults) {
    return holds_if(
        "nothing else makes them: not only mapped blocks fault, freed heap memory that is trimmed "
        "does too",
        measured);
  }
  return holds(measured);
}

Judgement judge_threshold_cures(const Findings& findings) {
  const auto before = faults_an_operation(findings[0]);
  const auto raised = faults_an_operation(findings[1]);
  const auto untrimmed = faults_an_operation(findings[2]);
  const auto padded = faults_an_operation(findings[3]);
  if (before < kManyFaults) return not_testable(kNoEffect);
  const auto measured = fmt::format(
      "blocks of 1 MiB, minor faults an operation: mapped {:.0f}; with mmap_threshold=64M {:.0f}; "
      "with "
      "trim_threshold=256M as well {:.0f}; with top_pad=64M as well {:.0f}",
      before, raised, untrimmed, padded);
  if (raised < kNoFaults) return holds(measured);
  if (untrimmed >= kNoFaults && padded >= kNoFaults) return does_not_hold(measured);
  return holds_if("trim_threshold or top_pad is raised together with it", measured);
}

Judgement judge_pool_cures(const Findings& findings) {
  const auto& pool = findings[0];
  const auto of_malloc = faults_an_operation(findings[1]);
  if (of_malloc < kManyFaults) return not_testable(kNoEffect);
  const auto of_pool = faults_an_operation(pool);
  return holds_when(
      of_pool < kNoFaults,
      fmt::format(
          "blocks of 1 MiB, minor faults an operation: mapped by malloc {:.0f}; from a pool {} the "
          "first time, {:.0f} in {} more",
          of_malloc, pool.value("first_faults_count"), of_pool, pool.value("operations_count")));
}

std::vector<Claim> claims_about_the_counts() {
  return {
      {.id = "9.1",
       .says = "ps -o majflt,minflt shows a process's major and minor page faults.",
       .experiment = "A child reads a cold file, writes 1,000 fresh pages, reads its own counts "
                     "and stands still; ps then "
                     "prints what it knows of it.",
       .runs = {{.name = "faults_by_ps"}},
       .judge = judge_ps,
       .truth = "ps prints the kernel's own two counts of a process, those that getrusage gives "
                "the process itself.",
       .mechanism =
           "mm_account_fault adds to task_struct's min_flt or maj_flt; do_task_stat prints both in "
           "/proc/PID/stat, fields 10 and 12, from which ps has them",
       .see_it = "ps -o pid,majflt,minflt,comm -p PID"},
      {.id = "9.2",
       .says = "The two numbers count the faults since the process began.",
       .experiment = "256 pages written, their mapping removed, 256 others written; a child writes "
                     "1,000 pages; another "
                     "writes 1,000 and then executes another program.",
       .needs = {Need::kNoHugePageAlways},
       .runs = {{.name = "fault_counters"}},
       .judge = judge_since_the_beginning,
       .truth = "The counts only ever grow, from the fork that made the process on and through "
                "exec; a child's are its "
                "own. What matters is their growth while you look.",
       .mechanism =
           "copy_mm in kernel/fork.c begins min_flt and maj_flt at 0; exec keeps the task; "
           "wait4 adds a child's to signal->cmin_flt, shown apart",
       .see_it = "pidstat -r -p PID 1, or perf stat -e minor-faults,major-faults -p PID sleep 10"},
      {.id = "9.3",
       .says = "A major fault means that the disk was read.",
       .experiment = "The pages of a file of 64 MiB, less where storage is slow, are dropped from "
                     "memory (fsync, "
                     "posix_fadvise), then read through a "
                     "mapping without reading ahead (MADV_RANDOM); then once more; then so many "
                     "anonymous pages written.",
       .needs = {Need::kNoHugePageAlways},
       .runs = {{.name = "cold_file", .arguments = {"16384", "1300"}}},
       .judge = judge_major_reads_storage,
       .truth = "A major fault had to wait for storage: a page of a file that is not in the page "
                "cache, or one that was "
                "swapped out. Pages in the cache and fresh anonymous ones are minor faults.",
       .mechanism = "filemap_fault and do_swap_page return VM_FAULT_MAJOR where they start a read; "
                    "with VM_RAND_READ "
                    "do_sync_mmap_readahead reads one page only",
       .see_it = "perf trace -F maj --no-syscalls -p PID"},
      {.id = "9.4",
       .says = "A high share of system CPU can come from minor faults.",
       .experiment = "Blocks of 1 MiB are allocated, written and freed: each mapped anew, and as "
                     "malloc does it by default.",
       .needs = {Need::kGlibcMalloc, Need::kDefaultSettings, Need::kNoHugePageAlways},
       .runs = {churn(kMapped, "150"), churn("", "150")},
       .judge = judge_system_time,
       .truth = "A page that is mapped, zeroed and unmapped at each use costs the kernel many "
                "times what using it costs; "
                "with the same memory reused the kernel has nothing to do.",
       .mechanism = "do_anonymous_page: clear_page, the memory cgroup's charge, the page table; "
                    "and back in zap_pte_range",
       .see_it =
           "pidstat -u -r -p PID 1: %system beside minflt/s; perf top -p PID shows clear_page"},
  };
}

std::vector<Claim> claims_about_causes() {
  return {
      {.id = "9.5",
       .says = "Many major faults mean that memory is short.",
       .experiment =
           "Pages of a file that are not in memory are read while plenty of memory is free.",
       .runs = {{.name = "cold_file", .arguments = {"512", "100"}}},
       .judge = judge_major_means_shortage,
       .truth =
           "A cold start makes major faults with all memory free. Memory is short when pages are "
           "reclaimed and read "
           "again: look at the pressure, and whether the faults go on once the program is warm.",
       .mechanism =
           "filemap_fault makes no difference between a page never read and one reclaimed; "
           "workingset_refault tells them apart and feeds PSI",
       .see_it = "cat /proc/pressure/memory; vmstat 1 (si, so); grep -E "
                 "'workingset_refault|pgmajfault' /proc/vmstat"},
      {.id = "9.6",
       .says = "Many minor faults come from large blocks that malloc maps.",
       .experiment = "A block of 1 MiB mapped again and again; and 1,000 blocks of 1,000 bytes, "
                     "none of them mapped, "
                     "allocated, filled and freed together in ten rounds.",
       .needs = {Need::kGlibcMalloc, Need::kDefaultSettings, Need::kNoHugePageAlways},
       .runs = {churn(kMapped, "30"), {.name = "heap_rounds", .arguments = {"1000", "1000"}}},
       .judge = judge_minor_from_mapping,
       .truth = "Mapped blocks fault at every use, and so does heap memory that free gives back to "
                "the system: many "
                "small blocks freed together at the heap's end are trimmed, and fault again in the "
                "next round.",
       .mechanism =
           "munmap_chunk; and in _int_free systrim, when the top chunk reaches mp_.trim_threshold",
       .see_it = "strace -c -e trace=brk,mmap,munmap -p PID; perf record -e page-faults -g -p PID"},
      {.id = "9.7",
       .says = "Raising M_MMAP_THRESHOLD cures it.",
       .experiment = "Blocks of 1 MiB are allocated, written and freed with mmap_threshold=128K; "
                     "64M; 64M and "
                     "trim_threshold=256M; 64M and top_pad=64M.",
       .needs = {Need::kGlibcMalloc, Need::kDefaultSettings, Need::kNoHugePageAlways},
       .runs = {churn(kMapped, "30"), churn(kFromHeap, "30"), churn(kFromHeapUntrimmed, "30"),
                churn(kFromHeapPadded, "30")},
       .judge = judge_threshold_cures,
       .truth = "Setting the threshold moves the blocks into the heap and freezes trim_threshold "
                "at its default, so that "
                "free gives most of the memory back at once. It takes trim_threshold or top_pad "
                "too, or no setting at "
                "all: the dynamic rule raises the two thresholds together.",
       .mechanism = "do_set_mmap_threshold sets mp_.no_dyn_threshold and leaves "
                    "mp_.trim_threshold; _int_free then calls "
                    "systrim, which keeps mp_.top_pad bytes",
       .see_it = "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=67108864:glibc.malloc.trim_threshold="
                 "268435456 PROGRAM, and "
                 "ps -o minflt"},
      {.id = "9.8",
       .says = "A memory pool cures it.",
       .experiment = "The same operations on a block of 1 MiB out of a pool of eight that one "
                     "malloc took; and with "
                     "malloc mapping each block.",
       .needs = {Need::kGlibcMalloc, Need::kDefaultSettings, Need::kNoHugePageAlways},
       .runs = {{.name = "pool_churn", .arguments = {"1048576", "100"}}, churn(kMapped, "30")},
       .judge = judge_pool_cures,
       .truth = "Memory that a pool keeps faults once, at its first use. It also stays resident "
                "when nobody needs it.",
       .mechanism =
           "the pages stay in the process's page table until munmap, brk or madvise takes them out",
       .see_it = "ps -o minflt,rss -p PID, twice"},
  };
}

}  // namespace

Question question_9() {
  auto claims = claims_about_the_counts();
  for (auto& claim : claims_about_causes()) claims.push_back(std::move(claim));
  return {.number = 9,
          .title = "How do I see page faults, and what do they tell?",
          .answer =
              "A page fault is the processor asking the kernel for a page that the process's page "
              "table does not "
              "have yet. The kernel counts two kinds for each process: a minor fault found the "
              "page, or a fresh one, "
              "in memory; a major fault had to wait for storage. ps shows both counts since the "
              "process began, so "
              "look twice: only the growth says something. Minor faults that go on in a warm "
              "program mean that "
              "memory is given back to the system and taken again, by mapped blocks or by trimming "
              "of the heap; they "
              "show as system CPU time. The cure is to keep the memory: let the dynamic thresholds "
              "work, or raise "
              "mmap_threshold and trim_threshold together, or use a pool. Major faults at the "
              "start are normal; "
              "major faults that go on mean that memory is short or files are larger than it.",
          .claims = std::move(claims)};
}

}  // namespace heapwise

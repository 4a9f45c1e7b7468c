// Question 4: How do VSZ and RSS grow?
#include <fmt/format.h>

#include <cstdlib>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

/// "About" in the claims: a tenth more or less.
bool is_about(std::int64_t figure, std::int64_t expected) {
  return std::abs(figure - expected) <= expected / 10;
}

std::string in_kib(std::int64_t bytes) {
  return grouped(bytes >> 10) + " KiB";
}

/// With its sign.
std::string growth_in_kib(std::int64_t bytes) {
  return grouped_difference(bytes >> 10) + " KiB";
}

Judgement judge_vsz_not_each_time(const Findings& findings) {
  const auto& told = findings.front();
  const auto measured =
      fmt::format("{} x malloc(1,000): VSZ {}; of {} such calls it grew at {}",
                  told.value("mallocs_count"), growth_in_kib(told.value("growth_bytes")),
                  grouped(told.value("many_mallocs_count")), told.value("many_growths_count"));
  return holds_when(told.value("growths_count") < told.value("mallocs_count") &&
                        told.value("many_growths_count") < told.value("many_mallocs_count"),
                    measured);
}

Judgement judge_vsz_by_size(const Findings& findings) {
  const auto& told = findings.front();
  const auto small = told.value("small_growth_bytes");
  const auto thread = told.value("thread_growth_bytes");
  const auto mapped = told.value("mapped_growth_bytes");
  const auto small_size = told.value("small_size_bytes");
  const auto measured = fmt::format(
      "malloc(1 MiB): VSZ {}; malloc({}) on a used-up top: {}; a thread's first malloc({}): {}",
      growth_in_kib(mapped), small_size, growth_in_kib(small), small_size, growth_in_kib(thread));
  if (!is_about(mapped, told.value("mapped_size_bytes"))) return does_not_hold(measured);
  if (is_about(small, small_size) && is_about(thread, small_size)) return holds(measured);
  return holds_if("the block has a mapping of its own", measured);
}

/// What was resident of a block right after its allocation.
std::string resident_of(const Evidence& told, const std::string& name) {
  return in_kib(told.value(name + "_resident_bytes"));
}

std::string locked_sentence(const Evidence& locked) {
  if (!locked.has_value("locked_resident_bytes")) {
    return fmt::format("mlockall is not allowed here: {}", locked.text("lock_error"));
  }
  return fmt::format("of malloc(1 MiB) under mlockall {}", resident_of(locked, "locked"));
}

Judgement judge_rss_at_first_use(const Findings& findings) {
  const auto& told = findings[0];
  const auto& cleared = findings[1];
  const auto size = told.value("size_bytes");
  const auto measured = fmt::format(
      "malloc of {} MiB: VSZ {}, RSS {}, minor faults {}; a write to each page: RSS {}, minor "
      "faults {}. Resident at once, "
      "before any use: of malloc(50,000) from a fresh top {}, of calloc(50,000) {}, of a mapped "
      "calloc(1 MiB) {}; {}",
      size >> 20, growth_in_kib(told.value("allocate_vsz_bytes")),
      growth_in_kib(told.value("allocate_rss_bytes")),
      grouped_difference(told.value("allocate_faults_count")),
      growth_in_kib(told.value("touch_rss_bytes")),
      grouped_difference(told.value("touch_faults_count")), resident_of(cleared, "malloc_top"),
      resident_of(cleared, "calloc_top"), resident_of(cleared, "calloc_mapped"),
      locked_sentence(findings[2]));
  // RSS in /proc may be some hundred KiB behind in some kernels.
  const auto tolerance = size / 50;
  const bool is_lazy =
      told.value("allocate_vsz_bytes") >= size && told.value("allocate_rss_bytes") < tolerance;
  return holds_when(is_lazy && told.value("touch_rss_bytes") >= size - tolerance, measured);
}

Judgement judge_rss_by_pages(const Findings& findings) {
  const auto& told = findings[0];
  constexpr double kClaimedStep = 4096;
  std::string steps;
  bool are_pages = !told.curve("resident_bytes").empty();
  for (const auto& [written, resident] : told.curve("resident_bytes")) {
    const auto pages = static_cast<std::int64_t>((written + kClaimedStep - 1) / kClaimedStep);
    are_pages = are_pages && static_cast<std::int64_t>(resident) ==
                                 pages * static_cast<std::int64_t>(kClaimedStep);
    steps += fmt::format("{}{} KiB written: {} KiB resident", steps.empty() ? "" : ", ",
                         written / 1024, resident / 1024);
  }
  const auto huge_step = findings[1].value("huge_step_bytes");
  const auto measured = fmt::format(
      "page-aligned, {}; {} bytes written from a malloc'ed pointer, {} bytes into its page: {}; "
      "one byte where huge pages "
      "were asked for: {}",
      steps, grouped(told.value("page_bytes")), told.value("block_offset_bytes"),
      in_kib(told.value("block_page_resident_bytes")), in_kib(huge_step));
  if (!are_pages) return does_not_hold(measured);
  if (huge_step > static_cast<std::int64_t>(kClaimedStep))
    return holds_if("the memory gets no huge pages", measured);
  return holds(measured);
}

}  // namespace

Question question_4() {
  return {
      .number = 4,
      .title = "How do VSZ and RSS grow?",
      .answer =
          "VSZ counts the addresses that a process may use, RSS the memory that it has. VSZ grows "
          "when malloc asks the kernel "
          "for addresses: for a large block by about its size, for small ones in steps that are "
          "then used up without "
          "another, and at a thread's first malloc by a whole arena. RSS grows later, when a page "
          "is written to for the "
          "first time, and by whole pages, so that a block which is never used costs next to "
          "nothing. calloc writes to "
          "what it takes from the heap's top, and locked memory is filled at once. Where the "
          "kernel gives huge pages, a "
          "single byte costs one of these.",
      .claims = {
          {.id = "4.1",
           .says = "VSZ does not grow on each malloc.",
           .experiment = "malloc(1), then 100 times malloc(1,000), then 9,900 times more, with VSZ "
                         "before and after each.",
           .needs = {Need::kGlibcMalloc, Need::kDefaultSettings},
           .runs = {{.name = "small_mallocs"}},
           .judge = judge_vsz_not_each_time,
           .truth = "VSZ grows when brk moves or a mapping is made; the requests in between are "
                    "cut from what the last move left "
                    "over.",
           .mechanism = "sysmalloc asks for mp_.top_pad more than is needed; total_vm in the "
                        "kernel counts mappings, not use",
           .see_it = "ps -o vsz -p PID, twice"},
          {.id = "4.2",
           .says = "When VSZ grows, it grows by about the size that was asked for.",
           .experiment = "VSZ before and after malloc(1 MiB), after malloc(100) with the heap's "
                         "top used up, and after a second "
                         "thread's first malloc(100).",
           .needs = {Need::kGlibcMalloc, Need::kDefaultSettings},
           .runs = {{.name = "vsz_steps"}},
           .judge = judge_vsz_by_size,
           .truth = "A mapped block grows VSZ by itself, its header and the rounding to pages. The "
                    "heap grows by M_TOP_PAD more "
                    "than was asked for, and a new arena reserves a whole heap of HEAP_MAX_SIZE.",
           .mechanism = "sysmalloc_mmap: ALIGN_UP (nb + SIZE_SZ, pagesize); sysmalloc: nb + "
                        "mp_.top_pad + MINSIZE; new_heap in "
                        "arena.c: HEAP_MAX_SIZE",
           .see_it = "ps -o vsz -p PID, before and after; pmap PID shows an arena as a mapping "
                     "beside a reserved one"},
          {.id = "4.3",
           .says = "RSS grows on the first use of memory, not on malloc.",
           .experiment = "malloc of 100 MiB in a fresh process, then a write to each of its pages. "
                         "In others: what is resident of "
                         "malloc and calloc before any use, and of malloc under mlockall.",
           .needs = {Need::kGlibcMalloc, Need::kDefaultSettings, Need::kSmallPages,
                     Need::kNoHugePageAlways},
           .runs = {{.name = "first_touch"}, {.name = "calloc_touch"}, {.name = "locked_touch"}},
           .judge = judge_rss_at_first_use,
           .truth = "malloc reserves addresses; the kernel gives a page when it is first written. "
                    "Two things write earlier: calloc "
                    "clears what it takes from the heap's top, which may have been used, though "
                    "not a new mapping; and under "
                    "mlockall the kernel fills each mapping as it is made.",
           .mechanism = "do_anonymous_page in the kernel, at the fault; __libc_calloc clears "
                        "unless chunk_is_mmapped or the chunk "
                        "is beyond the old top; mm_populate for VM_LOCKED",
           .see_it = "ps -o vsz,rss,minflt -p PID, before and after"},
          {.id = "4.4",
           .says = "RSS grows in steps of 4K.",
           .experiment = "1, 5 and 7 KiB written to page-aligned memory, and a page's size from "
                         "the beginning of a malloc'ed "
                         "block: the resident pages by mincore. One byte written where madvise "
                         "asked for huge pages.",
           .needs = {Need::kSmallPages, Need::kNoHugePageAlways},
           .runs = {{.name = "page_steps"}, {.name = "huge_page_step"}},
           .judge = judge_rss_by_pages,
           .truth = "It grows by pages: 4 KiB on most machines, 2 MiB and more where huge pages "
                    "are given. malloc'ed blocks do not "
                    "begin at a page, so that a block of one page's size lies in two.",
           .mechanism = "do_anonymous_page maps a page or, if it may, do_huge_pmd_anonymous_page a "
                        "huge one; chunk2mem adds "
                        "CHUNK_HDR_SZ to a mapping's beginning",
           .see_it = "grep -A 25 ADDRESS /proc/PID/smaps: Rss, AnonHugePages"},
      }};
}

}  // namespace heapwise

// Question 8: Why does malloc not map every block?
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

/// Of the marked part of an experiment; throws MissingEvidence where the launcher could not count.
std::uint64_t system_calls_count(const Evidence& told) {
  if (!told.launch || told.launch->region_seen == 0)
    throw MissingEvidence("system calls could not be counted");
  const auto& counted = *told.launch;
  return counted.brk_count + counted.mmap_count + counted.munmap_count + counted.madvise_count +
         counted.mremap_count;
}

Judgement judge_fault_for_each_page(const Findings& findings) {
  constexpr std::int64_t kFewMore = 2;  // the header's page, and the end's
  const auto& told = findings.front();
  const auto pages = told.value("size_bytes") / told.value("page_bytes");
  const auto by_malloc = told.value("malloc_faults_count");
  const auto faults = by_malloc + told.value("write_faults_count");
  const auto measured =
      fmt::format("{} faults for {} pages: {} by malloc, which writes the header, {} by the writes",
                  grouped(faults), grouped(pages), by_malloc, grouped(faults - by_malloc));
  return holds_when(faults >= pages && faults <= pages + kFewMore, measured);
}

Judgement judge_faults_cost_kernel_time(const Findings& findings) {
  constexpr std::int64_t kFarApart = 10;
  const auto& told = findings.front();
  const auto fault = told.value("fault_ns");
  const auto touch = told.value("touch_ns");
  const auto user = told.value("user_us");
  const auto system = told.value("system_us");
  const auto share = system * 100 / std::max<std::int64_t>(1, user + system);
  const auto measured = fmt::format(
      "the first write to a page takes {} ns, a write to a page that is resident {} ns; {} % of "
      "the processor time of the first writes was the kernel's",
      grouped(fault), touch, share);
  return holds_when(fault >= kFarApart * touch && share > 50, measured);
}

Judgement judge_heap_is_contiguous(const Findings& findings) {
  const auto& open = findings[0];
  const auto& obstructed = findings[1];
  const auto open_jumps = open.value("jumps_count");
  const auto jumps = obstructed.value("jumps_count");
  const auto measured = fmt::format(
      "of {} blocks {} lay elsewhere than right behind the one before, while brk moved by {} "
      "bytes; with a page mapped behind the heap's end {} did, the farthest {} GiB away, and brk "
      "moved by {}",
      open.value("blocks_count"), open_jumps, grouped(open.value("growth_bytes")), jumps,
      grouped(obstructed.value("farthest_jump_bytes") >> 30),
      grouped(obstructed.value("growth_bytes")));
  if (open_jumps > 0) return does_not_hold(measured);
  if (jumps == 0) return holds(measured);
  return holds_if("nothing else is mapped where the heap would grow", measured);
}

std::string faults_and_calls(const Evidence& told) {
  const auto rounds = static_cast<double>(told.value("rounds_count"));
  return fmt::format("{:.4g} faults and {:.4g} system calls a round",
                     static_cast<double>(told.value("faults_count")) / rounds,
                     static_cast<double>(system_calls_count(told)) / rounds);
}

bool costs_nothing(const Evidence& told) {
  return told.value("faults_count") == 0 && system_calls_count(told) == 0;
}

Judgement judge_reuse_is_free(const Findings& findings) {
  const auto& plain = findings[0];
  const auto& trimming = findings[1];
  const auto& mapping = findings[2];
  const auto measured = fmt::format(
      "malloc of {} KiB, written, freed: {}; with M_MMAP_THRESHOLD raised alone, so that free "
      "trims the top: {}; with it at 128K, so that each block is mapped: {}",
      plain.value("size_bytes") >> 10, faults_and_calls(plain), faults_and_calls(trimming),
      faults_and_calls(mapping));
  if (!costs_nothing(plain)) return does_not_hold(measured);
  if (costs_nothing(trimming)) return holds(measured);
  return holds_if("free does not trim the top in between", measured);
}

Judgement judge_mapped_is_zeroed(const Findings& findings) {
  const auto& told = findings.front();
  const auto nonzero = told.value("mapped_nonzero_bytes");
  const auto stale = told.value("heap_stale_bytes");
  const auto heap_bytes = told.value("heap_bytes");
  if (told.value("mapped_was_mapped") == 0 || told.value("heap_same_place") == 0) {
    return not_testable("the blocks were not mapped, or did not get their place in the heap again");
  }
  const auto measured = fmt::format(
      "mapped again, {} of {} bytes were not zero; in the heap, {} of {} bytes still held what was "
      "written before the free",
      nonzero, grouped(told.value("mapped_bytes")), grouped(stale), grouped(heap_bytes));
  return holds_when(nonzero == 0, measured);
}

Judgement judge_huge_pages_spare_faults(const Findings& findings) {
  constexpr std::int64_t kFarApart = 10;
  const auto faults_of = [](const Evidence& told) {
    return told.value("malloc_faults_count") + told.value("write_faults_count");
  };
  const auto small = faults_of(findings[0]);
  const auto huge = faults_of(findings[1]);
  const auto measured =
      fmt::format("the first use of {} MiB took {} faults, and {} with glibc.malloc.hugetlb=1",
                  findings[0].value("size_bytes") >> 20, grouped(small), grouped(huge));
  return holds_when(huge * kFarApart <= small, measured);
}

const std::vector<Need> kSmallPageHeap{Need::kGlibcMalloc, Need::kDefaultSettings,
                                       Need::kSmallPages, Need::kNoHugePageAlways};

std::vector<Claim> claims_of_faults() {
  return {
      {.id = "8.1",
       .says =
           "The first use of a mapped block costs a fault for each of its pages: 256 for 1 MiB.",
       .experiment = "malloc of 1 MiB, which maps it, once malloc has run before, then a write to "
                     "each page: the minor faults of both.",
       .needs = kSmallPageHeap,
       .runs = {{.name = "first_use_of_mapped"}},
       .judge = judge_fault_for_each_page,
       .truth = "One for each page that is written, and the block spans one page more than its "
                "size: malloc's header lies in front of it.",
       .mechanism = "sysmalloc_mmap rounds nb + SIZE_SZ up to pages and writes the size field; the "
                    "kernel's do_anonymous_page gives one page a fault",
       .see_it = "perf stat -e minor-faults PROGRAM, or ps -o minflt -p PID before and after"},
      {.id = "8.2",
       .says =
           "Faults cost the kernel's time, so that mapping large blocks again and again is slow.",
       .experiment =
           "256 MiB in mappings of 32 MiB are written page by page, then 32 MiB that are resident "
           "already; processor time a page, and how much of it was the kernel's.",
       .needs = {},
       .runs = {{.name = "page_costs"}},
       .judge = judge_faults_cost_kernel_time,
       .truth = "A first write enters the kernel, which finds a page, clears it and maps it; a "
                "later one is a store. The kernel's share is counted as system time.",
       .mechanism = "handle_mm_fault, do_anonymous_page, clear_page in the kernel",
       .see_it = "time PROGRAM: sys against user; perf top shows clear_page"},
  };
}

std::vector<Claim> claims_of_reuse() {
  return {
      {.id = "8.3",
       .says = "The heap is one contiguous piece of memory.",
       .experiment =
           "200 blocks of 10,000 bytes: does each lie right behind the one before? Once with "
           "nothing in the way, once with a page mapped right behind the heap's end.",
       .needs = {Need::kGlibcMalloc, Need::kDefaultSettings},
       .runs = {{.name = "heap_in_one_piece", .arguments = {"open"}},
                {.name = "heap_in_one_piece", .arguments = {"obstructed"}}},
       .judge = judge_heap_is_contiguous,
       .truth = "It is while brk can move. When something is mapped in its way, malloc maps "
                "further pieces of the heap elsewhere, of 1 MiB at least, and goes on there; other "
                "threads' heaps are pieces from the start.",
       .mechanism = "sysmalloc: when MORECORE fails, sysmalloc_mmap_fallback with "
                    "MMAP_AS_MORECORE_SIZE, and set_noncontiguous",
       .see_it = "pmap PID: [heap], and anonymous mappings of 1 MiB that malloc's pointers lie in"},
      {.id = "8.4",
       .says = "Using memory of the heap again costs neither a system call nor a fault.",
       .experiment = "malloc of 1 MiB, a write to each page, free, 100 times after three rounds "
                     "that are not counted; as installed, with GLIBC_TUNABLES that raise "
                     "mmap_threshold alone, and with mmap_threshold at 128K.",
       .needs = kSmallPageHeap,
       .runs = {{.name = "reuse_of_large_block", .counts_system_calls = true},
                {.name = "reuse_of_large_block",
                 .environment = {"GLIBC_TUNABLES=glibc.malloc.mmap_threshold=16777216"},
                 .counts_system_calls = true},
                {.name = "reuse_of_large_block",
                 .environment = {"GLIBC_TUNABLES=glibc.malloc.mmap_threshold=131072"},
                 .counts_system_calls = true}},
       .judge = judge_reuse_is_free,
       .truth =
           "It does as long as free leaves the memory where it is. With default settings the first "
           "free of a large block raises both thresholds, so that its successors stay in the heap; "
           "where free trims the top, the next malloc grows it again and every page faults again.",
       .mechanism = "__libc_free sets mp_.mmap_threshold to the mapped chunk's size and "
                    "mp_.trim_threshold to twice that; systrim moves brk down",
       .see_it = "strace -c -e trace=brk,mmap,munmap PROGRAM; perf stat -e minor-faults PROGRAM"},
      {.id = "8.5",
       .says = "Memory from mmap is zeroed each time it is taken; memory of the heap is not.",
       .experiment = "A block is filled, freed, asked for again and looked at: 1 MiB that is "
                     "mapped both times, and 100,000 bytes of the heap.",
       .needs = {Need::kGlibcMalloc, Need::kDefaultSettings},
       .runs = {{.name = "content_after_reuse"}},
       .judge = judge_mapped_is_zeroed,
       .truth = "The kernel clears every page before it gives it to a process; malloc clears "
                "nothing, so that a block of the heap holds what was there before, but for the "
                "words that malloc used while it was free.",
       .mechanism = "clear_page in the kernel's fault; calloc relies on it and skips clearing for "
                    "chunks with IS_MMAPPED",
       .see_it =
           "MALLOC_PERTURB_=165 PROGRAM fills blocks, so that code that relies on zeros shows"},
  };
}

std::vector<Claim> claims_of_huge_pages() {
  return {
      {.id = "8.6",
       .says = "Huge pages spare most faults: malloc can ask for them.",
       .experiment = "The first use of 64 MiB as in 8.1, as installed and with "
                     "GLIBC_TUNABLES=glibc.malloc.hugetlb=1.",
       .needs = {Need::kGlibcMalloc, Need::kDefaultSettings, Need::kSmallPages,
                 Need::kHugePageOnDemand},
       .runs = {{.name = "first_use_of_mapped", .arguments = {"64"}},
                {.name = "first_use_of_mapped",
                 .arguments = {"64"},
                 .environment = {"GLIBC_TUNABLES=glibc.malloc.hugetlb=1"}}},
       .judge = judge_huge_pages_spare_faults,
       .truth = "With that setting, of glibc 2.35 and later, malloc asks for huge pages where "
                "memory is large enough, and one fault then gives 2 MiB on x86-64. Only the "
                "block's ends, which do not fill one, take a fault a page.",
       .mechanism = "madvise_thp calls madvise(MADV_HUGEPAGE) when mp_.thp_pagesize is set; "
                    "do_huge_pmd_anonymous_page in the kernel",
       .see_it = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1 PROGRAM; grep AnonHugePages "
                 "/proc/PID/smaps_rollup"},
  };
}

}  // namespace

Question question_8() {
  auto claims = claims_of_faults();
  std::ranges::move(claims_of_reuse(), std::back_inserter(claims));
  std::ranges::move(claims_of_huge_pages(), std::back_inserter(claims));
  return {
      .number = 8,
      .title = "Why does malloc not map every block?",
      .answer =
          "Because fresh memory is expensive. A mapping costs a system call to make and one to "
          "remove, and each of its pages is given by the kernel at its first write: an "
          "interruption, a page to clear, a table to change. Memory of the heap that was used "
          "before is still there, so that using it again costs nothing but the write. That is why "
          "malloc maps only large blocks, and why it raises the limit when it sees such blocks "
          "come and go. The saving ends where free gives memory back each time and malloc has to "
          "fetch it again. Huge pages are another way out: one fault then brings two megabytes.",
      .claims = std::move(claims)};
}

}  // namespace heapwise

// Question 6: What does free give back?
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <iterator>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

std::string kib(std::int64_t bytes) {
  return grouped(bytes >> 10) + " KiB";
}
std::string lost_kib(std::int64_t bytes) {
  return grouped_difference(-(bytes >> 10)) + " KiB";
}

/// RSS is counted in batches by some kernels: this much of it may be missing or too much.
constexpr std::int64_t kRssSlackBytes = 512 << 10;

Judgement judge_mapped_is_returned(const Findings& findings) {
  const auto& told = findings.front();
  const auto size = told.value("size_bytes");
  const auto vsz = told.value("returned_vsz_bytes");
  const auto rss = told.value("returned_rss_bytes");
  const bool faults = told.value("touch_signal") == SIGSEGV;
  const auto measured = fmt::format(
      "free of {}: VSZ {}, RSS {}; a write to the block after that {}", kib(size), lost_kib(vsz),
      lost_kib(rss), faults ? "ends the process by SIGSEGV" : "succeeds");
  return holds_when(vsz >= size && rss >= size - kRssSlackBytes && faults, measured);
}

Judgement judge_heap_is_marked(const Findings& findings) {
  const auto& told = findings.front();
  const auto size = told.value("size_bytes");
  const auto vsz = told.value("returned_vsz_bytes");
  const auto rss = told.value("returned_rss_bytes");
  const auto brk = told.value("returned_brk_bytes");
  const auto faults = told.value("reuse_faults_count");
  const bool same_place = told.value("reuse_same_place") == 1;
  const auto measured = fmt::format(
      "free of {} bytes below a live block: VSZ {}, RSS {}, brk {}; the next malloc of that size "
      "{}, and writing it took {} faults",
      grouped(size), lost_kib(vsz), lost_kib(rss), lost_kib(brk),
      same_place ? "got the same place" : "went elsewhere", faults);
  return holds_when(vsz == 0 && brk == 0 && rss < size / 2 && same_place && faults == 0, measured);
}

/// What the experiment found of the conditions, each in a clause.
std::string conditions_of_trimming(const Evidence& told) {
  const auto smallest_chunk = told.value("smallest_trimming_chunk_bytes");
  auto words = fmt::format(
      "what stays is {} to {} bytes, and {} once M_TOP_PAD is {}",
      grouped(told.value("smallest_rest_bytes")), grouped(told.value("largest_rest_bytes")),
      grouped(told.value("padded_rest_bytes")), grouped(told.value("pad_bytes")));
  if (smallest_chunk > 0) {
    words += fmt::format(
        "; {} bytes at the top, merged from fast bins, stayed until a chunk of {} bytes was freed "
        "below them",
        grouped(told.value("waiting_top_bytes")), grouped(smallest_chunk));
  }
  const auto raised = told.value("raised_smallest_returned_top_bytes");
  words +=
      fmt::format("; after the free of a mapped block of {} bytes the top was kept up to {} bytes",
                  grouped(told.value("raising_block_bytes")),
                  grouped(told.value("raised_largest_kept_top_bytes")));
  return raised == 0 ? words : words + fmt::format(" and given back at {}", grouped(raised));
}

Judgement judge_trim_limit(const Findings& findings) {
  constexpr std::int64_t kClaimedBytes = 128 << 10;
  constexpr std::int64_t kBlockBytes = 2048;  // the step in which the raised boundary is known
  const auto& told = findings.front();
  const auto kept = told.value("largest_kept_top_bytes");
  const auto returned = told.value("smallest_returned_top_bytes");
  const auto raised = told.value("raised_smallest_returned_top_bytes");
  if (returned == 0) {
    return does_not_hold(fmt::format("no top of up to {} bytes was given back", grouped(kept)));
  }
  const auto measured = fmt::format("{} bytes at the top were given back, {} were not; {}",
                                    grouped(returned), grouped(kept), conditions_of_trimming(told));
  const bool stays_low = raised > 0 && raised <= returned + kBlockBytes;
  if (kept <= kClaimedBytes && stays_low) return holds(measured);
  return holds_if(
      "the top has reached the trim threshold, which frees of mapped blocks raise, and is a page "
      "more than M_TOP_PAD, and the freed chunk, merged with what is free around it, has 64 KiB",
      measured);
}

/// The share of RSS that is gone, of each size: "98 %, 0 %".
std::string shares_of(const Findings& findings, const std::string& name) {
  std::string shares;
  for (const auto& told : findings) {
    shares += fmt::format(
        "{}{} %", shares.empty() ? "" : ", ",
        told.value(name) * 100 / std::max<std::int64_t>(1, told.value("made_rss_bytes")));
  }
  return shares;
}

Judgement judge_everything_is_returned(const Findings& findings) {
  constexpr std::int64_t kMost = 90;  // per cent that count as everything
  std::string blocks;
  bool all = true;
  for (const auto& told : findings) {
    all = all && told.value("returned_rss_bytes") * 100 >= told.value("made_rss_bytes") * kMost;
    blocks += fmt::format("{}{} bytes ({} made freed first)", blocks.empty() ? "" : ", ",
                          told.value("block_bytes"),
                          told.value("frees_last_first") == 1 ? "last" : "first");
  }
  const auto measured = fmt::format(
      "of 10 MB in blocks of {}, RSS lost {} when all were freed, {} once a large block was made "
      "and freed, {} after malloc_trim(0)",
      blocks, shares_of(findings, "returned_rss_bytes"),
      shares_of(findings, "large_returned_rss_bytes"),
      shares_of(findings, "trim_returned_rss_bytes"));
  return holds_when(all, measured);
}

Judgement judge_only_top_is_returned(const Findings& findings) {
  const auto& pinned = findings.front();
  const auto made = pinned.value("made_rss_bytes");
  const auto by_free = pinned.value("returned_rss_bytes");
  const auto by_trim = pinned.value("trim_returned_rss_bytes") - by_free;
  const auto measured = fmt::format(
      "{} freed below a live block: RSS {} by free, {} by malloc_trim(0), with brk {}; with "
      "nothing above them free alone gave RSS {} (last made freed first) and {} (first made freed "
      "first)",
      kib(made), lost_kib(by_free), lost_kib(by_trim),
      lost_kib(pinned.value("trim_returned_brk_bytes")),
      lost_kib(findings[1].value("returned_rss_bytes")),
      lost_kib(findings[2].value("returned_rss_bytes")));
  return holds_when(by_free + by_trim < made / 2, measured);
}

Judgement judge_neighbours_merge(const Findings& findings) {
  const auto& told = findings[0];
  const auto& uncached = findings[1];
  const bool large = told.value("merged_2000") == 1;
  const bool small = told.value("merged_1000") == 1;
  const auto yes_or_no = [](bool is_so) { return is_so ? "one chunk" : "two chunks"; };
  const auto measured = fmt::format(
      "two freed neighbours of 2000 bytes became {}, of 1000 bytes {}, and {} after {} others of "
      "their size; the smallest that merge have {} bytes, and {} with glibc.malloc.tcache_count=0",
      yes_or_no(large), yes_or_no(small), yes_or_no(told.value("merged_1000_behind_others") == 1),
      told.value("others_count"), told.value("smallest_merging_bytes"),
      uncached.value("smallest_merging_bytes"));
  if (!large) return does_not_hold(measured);
  if (small && told.value("smallest_merging_bytes") == 1) return holds(measured);
  return holds_if("neither of them waits in the thread's cache or in a fast bin", measured);
}

const std::vector<Need> kPlainHeap{Need::kGlibcMalloc, Need::kDefaultSettings, Need::kSmallPages,
                                   Need::kNoHugePageAlways};

std::vector<Claim> claims_of_blocks() {
  return {
      {.id = "6.1",
       .says = "Freeing a block that malloc took by mmap really returns it to the system.",
       .experiment = "malloc of 10 MiB, a write to each page, free; then a child process writes to "
                     "the block.",
       .needs = kPlainHeap,
       .runs = {{.name = "free_mapped_block"}},
       .judge = judge_mapped_is_returned,
       .truth = "free unmaps a mapped block at once: VSZ and RSS fall by its size and a page for "
                "its header, and its addresses are invalid from then on. Its free may also raise "
                "the threshold, so that the next block of that size comes from the heap and stays.",
       .mechanism = "__libc_free sees IS_MMAPPED in the chunk's size field and calls munmap_chunk",
       .see_it = "strace -e trace=munmap PROGRAM; ps -o vsz,rss -p PID before and after"},
      {.id = "6.2",
       .says = "Freeing memory of the heap only marks it as free; the process keeps it.",
       .experiment = "A block of 100,000 bytes with a live block above it is written and freed, "
                     "then asked for again and written.",
       .needs = kPlainHeap,
       .runs = {{.name = "free_below_live_block"}},
       .judge = judge_heap_is_marked,
       .truth = "Below a live block free changes neither VSZ nor RSS nor brk. The pages stay the "
                "process's, so that using them again costs no fault, and top shows them as used.",
       .mechanism = "_int_free links the chunk into the unsorted bin and clears PREV_INUSE of the "
                    "next one; no system call",
       .see_it = "ps -o vsz,rss,minflt -p PID before and after; strace -e trace=brk,munmap,madvise "
                 "shows nothing"},
  };
}

std::vector<Claim> claims_of_the_top() {
  return {
      {.id = "6.3",
       .says = "Once more than 128K lie free at the top of the heap, they are given back to the "
               "system.",
       .experiment = "In child processes, blocks are freed so that tops of all sizes near 128K "
                     "come about, in steps of 16 bytes, with a look at brk after each; then each "
                     "condition by itself: a free away from a large top, M_TOP_PAD at 1 MiB, and a "
                     "mapped block of 4 MiB freed before.",
       .needs = kPlainHeap,
       .runs = {{.name = "trim_limit"}},
       .judge = judge_trim_limit,
       .truth = "free gives the top back when the freed chunk, merged with free neighbours and the "
                "top, has 64 KiB, the top has reached the trim threshold, and a whole page lies "
                "above M_TOP_PAD and a smallest chunk, which stay. The free of a mapped block "
                "raises the threshold to twice that block.",
       .mechanism =
           "_int_free: size >= FASTBIN_CONSOLIDATION_THRESHOLD and chunksize(av->top) >= "
           "mp_.trim_threshold; systrim keeps mp_.top_pad + MINSIZE and rounds down to pages",
       .see_it = "strace -e trace=brk PROGRAM: a brk with a lower address; gdb -p PID -batch -ex "
                 "'print mp_'"},
      {.id = "6.3d",
       .says = "When everything has been freed, everything is given back.",
       .experiment = "10 MB in blocks of one size are written and all freed: 2000 and 200 bytes "
                     "from the last to the first, 100 and 24 bytes from the first to the last. "
                     "Then one block of 2000 bytes is made and freed, then malloc_trim(0).",
       .needs = kPlainHeap,
       .runs = {{.name = "free_everything", .arguments = {"2000", "lifo"}},
                {.name = "free_everything", .arguments = {"200", "lifo"}},
                {.name = "free_everything", .arguments = {"100", "fifo"}},
                {.name = "free_everything", .arguments = {"24", "fifo"}}},
       .judge = judge_everything_is_returned,
       .truth = "Small freed blocks wait in the thread's cache and the fast bins, where they count "
                "as used: seven of them at the top hold back all below, and fast bins are emptied "
                "only when a large block is asked for or freed, or when the heap would have to "
                "grow. malloc_trim(0) gives back what whole pages there are.",
       .mechanism =
           "_int_free puts chunks up to tcache_max into tcache->entries and those up to "
           "global_max_fast into fastbinsY without merging; malloc_consolidate merges the latter",
       .see_it =
           "gdb -p PID -batch -ex 'call (void)malloc_stats()': system bytes against in use bytes"},
      {.id = "6.4",
       .says = "Free memory that is not at the top of the heap cannot be given back.",
       .experiment = "10 MB in blocks of 2000 bytes are written and freed below one block that "
                     "stays, then malloc_trim(0); the same with no block above them, freed from "
                     "the last to the first and from the first to the last.",
       .needs = kPlainHeap,
       .runs = {{.name = "free_everything", .arguments = {"2000", "pinned", "curves"}},
                {.name = "free_everything", .arguments = {"2000", "lifo", "curves"}},
                {.name = "free_everything", .arguments = {"2000", "fifo", "curves"}}},
       .judge = judge_only_top_is_returned,
       .truth =
           "free never gives it back, but malloc_trim does: it hands whole free pages inside the "
           "heap back to the kernel. Addresses stay mapped, so RSS falls and VSZ and brk do not.",
       .mechanism = "mtrim calls madvise(MADV_DONTNEED) on the whole pages within each free chunk "
                    "of the bins",
       .see_it = "gdb -p PID -batch -ex 'call (int)malloc_trim(0)'; ps -o vsz,rss -p PID before "
                 "and after"},
      {.id = "6.5",
       .says = "Free fragments that are neighbours are merged into one.",
       .experiment = "In child processes two neighbours are freed and their bytes asked for in one "
                     "piece: did it get their place? With 2000, with 1000, with all sizes, and "
                     "without the thread's cache.",
       .needs = {Need::kGlibcMalloc, Need::kDefaultSettings},
       .runs = {{.name = "neighbours"},
                {.name = "neighbours",
                 .environment = {"GLIBC_TUNABLES=glibc.malloc.tcache_count=0"}}},
       .judge = judge_neighbours_merge,
       .truth = "Neighbours merge when they are freed, unless they go into the thread's cache (the "
                "first seven of a size, up to 1032 bytes) or a fast bin (up to 120 bytes); those "
                "in fast bins merge later, at the next large request or free.",
       .mechanism = "_int_free merges backward when PREV_INUSE is clear and forward when "
                    "inuse_bit_at_offset is; tcache_put comes first",
       .see_it = "GLIBC_TUNABLES=glibc.malloc.tcache_count=0 PROGRAM; malloc_info(0, stdout) lists "
                 "free chunks by size"},
  };
}

}  // namespace

Question question_6() {
  auto claims = claims_of_blocks();
  std::ranges::move(claims_of_the_top(), std::back_inserter(claims));
  return {.number = 6,
          .title = "What does free give back?",
          .answer =
              "It depends on where the block lies. A block that malloc mapped by itself goes back "
              "to the system at once, and its addresses become invalid. A block inside the heap is "
              "only marked as free: the process keeps its pages and uses them again without asking "
              "the system. The heap can shrink only at its top, so one live block up there keeps "
              "everything below it, and even a free top is given back only when it has grown well "
              "beyond 128K; after large mapped blocks were freed that limit is higher. Small "
              "blocks wait in caches in between, where they neither merge with their neighbours "
              "nor go back. If a program has freed much and stays large, malloc_trim(0) returns "
              "the free pages inside the heap too.",
          .claims = std::move(claims)};
}

}  // namespace heapwise

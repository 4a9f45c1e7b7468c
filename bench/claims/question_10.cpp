// Question 10: How do I see fragmentation?
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

std::int64_t field(const Evidence& told, const char* group, const char* name) {
  return told.value(fmt::format("{}_{}", group, name));
}

/// What mallinfo2 made of the freed blocks of one size.
std::string group_sentence(const Evidence& told, const char* group, int size) {
  return fmt::format(
      "{} blocks of {} bytes freed: smblks {}, fsmblks {}, ordblks {}, used bytes (uordblks) {}",
      told.value("freed_count"), grouped(size),
      grouped_difference(field(told, group, "smblks_count")),
      grouped_difference(field(told, group, "fsmblks_bytes")),
      grouped_difference(field(told, group, "ordblks_count")),
      grouped_difference(field(told, group, "uordblks_bytes")));
}

Judgement judge_fields_by_size(const Findings& findings) {
  const auto& told = findings.front();
  const auto freed = told.value("freed_count");
  const bool is_so = field(told, "small", "fsmblks_bytes") == freed &&
                     field(told, "middle", "smblks_count") == freed &&
                     field(told, "large", "ordblks_count") == freed;
  return holds_when(is_so, group_sentence(told, "small", 24) + "; " +
                               group_sentence(told, "middle", 300) + "; " +
                               group_sentence(told, "large", 3000));
}

/// The sizes from which on another field counts; x is the last size before it.
std::vector<std::int64_t> boundaries_of(const std::vector<CurvePoint>& curve) {
  std::vector<std::int64_t> boundaries;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    if (curve[i].y != curve[i - 1].y)
      boundaries.push_back(static_cast<std::int64_t>(curve[i - 1].x));
  }
  return boundaries;
}

Judgement judge_ranges(const Findings& findings) {
  const auto& told = findings.front();
  const auto& counted_as = told.curve("counted_as");
  if (counted_as.empty()) throw MissingEvidence("no curve 'counted_as'");
  const auto largest_fast = told.value("largest_fast_bytes");
  // Sizes were tried in steps of 16 bytes: a boundary that is said to be at 80 may show at 72.
  constexpr std::int64_t kStep = 16;
  const auto is_near = [&](std::int64_t boundary, std::int64_t said) {
    return boundary > said - kStep && boundary <= said;
  };
  const auto boundaries = boundaries_of(counted_as);
  const bool is_so =
      boundaries.size() == 2 && is_near(boundaries[0], 80) && is_near(boundaries[1], 512);
  const auto fast = largest_fast > 0
                        ? fmt::format("sizes up to {} bytes are counted in smblks", largest_fast)
                        : std::string("no size is counted in smblks");
  return holds_when(
      is_so,
      fmt::format("{}, all larger ones in ordblks; of each size up to {} bytes the first {} freed "
                  "are counted in neither",
                  fast, grouped(told.value("largest_cached_bytes")), told.value("cached_count")));
}

Judgement judge_large_is_bad(const Findings& findings) {
  const auto& told = findings.front();
  const auto many = told.value("neighbours_smblks_count");
  const auto after = told.value("neighbours_smblks_after_count");
  const auto measured = fmt::format(
      "{} neighbours freed: smblks {}; after one malloc of {} bytes, which {} their memory, {}. "
      "Every other of larger "
      "blocks freed: smblks {}, ordblks {}, {} bytes free below the top, and a malloc of {} bytes "
      "{} of it",
      grouped(told.value("neighbours_count")), grouped(many),
      grouped(told.value("neighbours_large_bytes")),
      told.value("neighbours_reused") != 0 ? "got" : "did not get", grouped(after),
      grouped(told.value("scattered_smblks_count")), grouped(told.value("scattered_ordblks_count")),
      grouped(told.value("scattered_free_bytes")), grouped(told.value("scattered_large_bytes")),
      told.value("scattered_reused") != 0 ? "got some" : "could use none");
  const bool vanished = after < many / 10 && told.value("neighbours_reused") != 0;
  return holds_when(many > 0 && !vanished, measured);
}

Judgement judge_overflow(const Findings& findings) {
  const auto& told = findings.front();
  const bool below = told.value("below_int_bytes") == told.value("below_bytes");
  const bool above = told.value("above_int_bytes") == told.value("above_bytes");
  const auto measured =
      fmt::format("with {} bytes mapped mallinfo says {}; with {} it says {}",
                  grouped(told.value("below_bytes")), grouped(told.value("below_int_bytes")),
                  grouped(told.value("above_bytes")), grouped(told.value("above_int_bytes")));
  return holds_when(below && above, measured);
}

}  // namespace

Question question_10() {
  const std::vector<Need> needs{Need::kGlibcMalloc, Need::kDefaultSettings};
  return {
      .number = 10,
      .title = "How do I see fragmentation?",
      .answer =
          "There is no single number for it. mallinfo2 tells how much memory malloc holds (arena "
          "and hblkhd), how "
          "much of it is in use (uordblks) and how much is free (fordblks), of which keepcost lies "
          "at the top of "
          "the heap and can be given back. Free memory below the top that no request fits is "
          "fragmentation: "
          "fordblks minus keepcost, seen over time, beside what the program needs. The counts of "
          "free blocks say "
          "little: those in fastbins are merged when a large block is asked for, and those in the "
          "thread's cache "
          "count as used. malloc_info prints the free blocks by size, and malloc_trim shows what "
          "could be given "
          "back. mallinfo, without the 2, is wrong from 2 GiB on.",
      .claims = {
          {.id = "10.1",
           .says = "mallinfo's fsmblks, smblks and ordblks count the small, middle and large free "
                   "fragments.",
           .experiment = "20 blocks each of 24, 300 and 3,000 bytes, none beside another, are "
                         "freed, one size after the "
                         "other, with mallinfo2 before and after each.",
           .needs = needs,
           .runs = {{.name = "free_block_fields"}},
           .judge = judge_fields_by_size,
           .truth =
               "smblks counts the chunks in fastbins and fsmblks their bytes; ordblks counts all "
               "other free "
               "chunks, of whatever size, and the top. Chunks in a thread's cache count as used.",
           .mechanism = "int_mallinfo walks av->fastbinsY (nfastblocks, fastavail) and then the "
                        "bins (nblocks); a chunk "
                        "in tcache keeps its neighbour's PREV_INUSE and is in neither",
           .see_it = "gdb -p PID -batch -ex 'call (int) malloc_info(0, stderr)'"},
          {.id = "10.2",
           .says = "The three ranges are 0 to 80, 80 to 512 and 512 bytes to 128K.",
           .experiment = "For sizes from 8 to 1,208 bytes, each in a fork of a fresh process: 20 "
                         "scattered blocks are "
                         "freed; which field of mallinfo2 grows?",
           .needs = needs,
           .runs = {{.name = "free_block_ranges"}},
           .judge = judge_ranges,
           .truth = "There is one boundary: the largest chunk that goes into a fastbin, M_MXFAST, "
                    "by default 64 times "
                    "the size of size_t divided by 4. Nothing changes at 512 bytes.",
           .mechanism =
               "get_max_fast, set by set_max_fast(DEFAULT_MXFAST); tcache_put takes the first "
               "mp_.tcache_count of each size up to mp_.tcache_max_bytes before it",
           .see_it = "GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0 PROGRAM "
                     "shows what caches and "
                     "fastbins hide"},
          {.id = "10.3",
           .says = "Large values mean bad fragmentation.",
           .experiment = "5,000 neighbours of 40 bytes are freed, then one large block is asked "
                         "for. Then every other of "
                         "1,000 blocks of 2,000 bytes is freed and a large block asked for.",
           .needs = needs,
           .runs = {{.name = "fragment_counts"}},
           .judge = judge_large_is_bad,
           .truth = "Thousands of chunks in fastbins are merged at the next large request and "
                    "serve it; a few hundred "
                    "scattered ones serve none. fordblks minus keepcost, and malloc_info's sizes, "
                    "tell more.",
           .mechanism = "_int_malloc calls malloc_consolidate for a large request when there are "
                        "fastbin chunks",
           .see_it =
               "gdb -p PID -batch -ex 'call (int) malloc_trim(0)' and ps -o rss before and after"},
          {.id = "10.4",
           .says = "mallinfo tells how much memory malloc holds.",
           .experiment = "Blocks of 1 GiB are taken and not touched; mallinfo and mallinfo2 after "
                         "the first and the third.",
           .needs = needs,
           .runs = {{.name = "statistics_overflow"}},
           .judge = judge_overflow,
           .truth = "mallinfo's fields are ints, which overflow silently; mallinfo2 has the same "
                    "fields as size_t.",
           .mechanism = "__libc_mallinfo copies each field of __libc_mallinfo2 into an int",
           .see_it = "call mallinfo2 (glibc 2.33 and newer), or gdb -p PID -batch -ex 'call (int) "
                     "malloc_info(0, stderr)'"},
      }};
}

}  // namespace heapwise

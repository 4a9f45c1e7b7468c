// Question 7: How does memory fragment?
#include <fmt/format.h>

#include <algorithm>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

std::string mib(std::int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

/// The mean of a part of the curve, from `begin` to `end` as shares of its points.
double mean_between(const std::vector<CurvePoint>& curve, double begin, double end) {
  const auto count = static_cast<double>(curve.size());
  const auto first = static_cast<std::size_t>(count * begin);
  const auto last = std::max(first + 1, static_cast<std::size_t>(count * end));
  double sum = 0;
  for (auto i = first; i < last; ++i) sum += curve.at(i).y;
  return sum / static_cast<double>(last - first);
}

double rss_per_live(const Evidence& told) {
  return static_cast<double>(told.value("rss_bytes")) /
         static_cast<double>(told.value("live_bytes"));
}

std::string held_for_live(const Evidence& told) {
  return fmt::format("{} for {} live ({} after malloc_trim)", mib(told.value("rss_bytes")),
                     mib(told.value("live_bytes")), mib(told.value("trimmed_rss_bytes")));
}

Judgement judge_ever_more_fragments(const Findings& findings) {
  constexpr double kStillRises = 1.1;
  constexpr double kAdverse = 3;
  const auto& plateau = findings[0];
  const auto& ladder = findings[1];
  const auto& pins = findings[2];
  const auto replacements = plateau.value("replacements_count");
  const auto& course = plateau.curve("plateau_rss_per_live");
  if (course.empty()) throw MissingEvidence("no 'plateau_rss_per_live'");
  const auto early = mean_between(course, 0.25, 0.5);
  const auto late = mean_between(course, 0.75, 1);
  const auto measured = fmt::format(
      "random sizes: RSS over live bytes {:.2f} in the second quarter of {} replacements, {:.2f} "
      "in the last; rising sizes: {}; small blocks behind large ones that were freed: {}",
      early, grouped(replacements), late, held_for_live(ladder), held_for_live(pins));
  if (late > early * kStillRises) return holds(measured);
  if (std::max(rss_per_live(ladder), rss_per_live(pins)) < kAdverse) return does_not_hold(measured);
  return holds_if(
      "the pattern is adverse: sizes keep rising, or small blocks that stay lie between large "
      "ones; with sizes that come again it settles",
      measured);
}

Judgement judge_valgrind_sees_nothing(const Findings& findings) {
  const auto& ladder = findings[0];
  const auto& valgrind = findings[1];
  const auto errors = valgrind.value("errors_count");
  const bool all_freed = valgrind.value("all_freed") == 1;
  const auto measured =
      fmt::format("the ladder held {}; valgrind on it: {} errors, {}", held_for_live(ladder),
                  errors, all_freed ? "\"All heap blocks were freed\"" : "some blocks not freed");
  return holds_when(errors == 0 && all_freed && rss_per_live(ladder) > 2, measured);
}

}  // namespace

Question question_7() {
  return {
      .number = 7,
      .title = "How does memory fragment?",
      .answer =
          "Freed blocks leave holes, and a hole serves a later request only when it is large "
          "enough. With sizes that come again and again the holes are used again, and the memory "
          "held settles a little above what is alive. It goes wrong when sizes keep growing, so "
          "that no old hole fits, or when small long-lived blocks lie between large ones that are "
          "freed: then most of the process's memory may be holes. That is no leak: every block is "
          "freed in the end, and tools that look for leaks or errors report nothing. Watch RSS "
          "against the bytes in use instead.",
      .claims = {
          {.id = "7.1",
           .says = "Making and freeing small blocks for long leaves ever more fragments that "
                   "nobody can use.",
           .experiment = "Three patterns, each with RSS over live bytes as it goes on: 16 MiB of "
                         "random sizes of which random ones are replaced; four sizes, each 12 "
                         "times the last, of which one block in ten stays; 64 KiB blocks freed "
                         "between blocks of 1 KiB that stay.",
           .needs = {Need::kGlibcMalloc, Need::kDefaultSettings, Need::kSmallPages,
                     Need::kNoHugePageAlways},
           .runs = {{.name = "fragmentation", .arguments = {"plateau"}},
                    {.name = "fragmentation", .arguments = {"ladder"}},
                    {.name = "fragmentation", .arguments = {"pins"}}},
           .judge = judge_ever_more_fragments,
           .truth = "Holes are cut up, merged and used again; with random sizes and lifetimes RSS "
                    "over live bytes settles within a small factor of 1. Patterns in which no "
                    "later size fits the holes, or in which survivors hold large holes, keep many "
                    "times what is alive.",
           .mechanism =
               "_int_malloc takes the best fit of the bins and splits it (last_remainder); "
               "_int_free merges neighbours; a survivor between two free chunks keeps them apart",
           .see_it = "gdb -p PID -batch -ex 'call (void)malloc_stats()': in use bytes against ps "
                     "-o rss -p PID"},
          {.id = "7.2",
           .says = "valgrind does not see fragmentation: it is no leak.",
           .experiment = "The ladder of rising sizes, which frees every block at its end, by "
                         "itself and under valgrind --leak-check=full.",
           .needs = {Need::kGlibcMalloc, Need::kDefaultSettings, Need::kSmallPages,
                     Need::kNoHugePageAlways},
           .runs = {{.name = "fragmentation", .arguments = {"ladder", "4"}},
                    {.name = "valgrind_on_ladder", .arguments = {"4"}}},
           .judge = judge_valgrind_sees_nothing,
           .truth = "Leak checkers follow blocks, not pages: a program that frees everything is "
                    "clean to them however much memory it held for how little. valgrind also "
                    "replaces malloc, so that the heap it runs on is another.",
           .mechanism = "memcheck keeps a table of live blocks and reports what is left of it at "
                        "exit; holes of the heap are not in it",
           .see_it = "valgrind --leak-check=full PROGRAM against ps -o rss -p PID; malloc_info(0, "
                     "stdout) for the holes"},
      }};
}

}  // namespace heapwise

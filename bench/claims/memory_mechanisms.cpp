// The rows of the table of mechanisms that are about memory.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>

#include "bench/claims/mechanism_rows.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

constexpr std::array kSizes{1,   8,   16,  24,  32,   48,   64,   100,  128,
                            200, 256, 500, 512, 1000, 1024, 4096, 8192, 100'000};
constexpr std::array kSizesInShort{16, 100, 1000};
constexpr std::array kAlignedSizes{1, 8, 16, 24, 64, 4096, 1 << 20};
constexpr std::array kAlignedInShort{1, 8, 64, 4096};
constexpr std::array kReusedSizes{64, 4096, 1 << 20};
constexpr std::array kThreadCounts{1, 2, 4, 8, 16};
constexpr int kMostThreads = 16;
constexpr int kSmallBlock = 64;
constexpr std::array kMoments{0.0, 0.1, 0.5, 1.0, 2.0, 10.0};
constexpr double kLastMoment = 10;

constexpr const char* kMapping = "mechanism_own_mapping";
constexpr const char* kContents = "mechanism_contents";

/// In the largest unit that leaves no fraction: `4 MiB`, `16,960 KiB`, `131,049 B`.
std::string size_text(std::int64_t bytes) {
  constexpr std::int64_t kStep = 1024;
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; bytes >= kStep && bytes % kStep == 0 && unit + 1 < kUnits.size(); ++unit) bytes /= kStep;
  return fmt::format("{} {}", grouped(bytes), kUnits[unit]);
}

/// Without a decimal where it would be 0: 12.1, 16.
std::string figure(double value) {
  const auto text = fmt::format("{:.1f}", value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string percent(double value) {
  return fmt::format("{:.0f}", std::abs(value) < 0.5 ? 0.0 : value);
}

/// What the cells of several say, with slashes between.
template <class Values, class Words>
std::string joined(const Values& values, const Words& words) {
  std::vector<std::string> parts;
  for (const auto value : values) parts.push_back(words(value));
  return fmt::format("{}", fmt::join(parts, " / "));
}

std::string beyond(const Told& told, int size) {
  return figure(told.at("mechanism_overhead", "resident_bytes", size) - size);
}

Mechanism overhead() {
  Mechanism row{
      .id = "overhead",
      .title = "bytes an object takes beyond the 16 / 100 / 1000 asked for",
      .how =
          "growth of RSS over many objects that are written to their end, an object, less the "
          "size; line by line: that / the distance between neighbours less the size / "
          "malloc_usable_size",
      .summary = [](const Told& told) {
        return joined(kSizesInShort, [&](int size) { return beyond(told, size); });
      }};
  for (const int size : kSizes) {
    row.lines.push_back(
        {fmt::format("malloc({})", size), [size](const Told& told) {
           const auto& usable = told.of("mechanism_overhead").curve("usable_bytes");
           return fmt::format(
               "{} / {} / {}", beyond(told, size),
               figure(told.at("mechanism_overhead", "stride_bytes", size) - size),
               usable.empty() ? "?" : figure(told.at("mechanism_overhead", "usable_bytes", size)));
         }});
  }
  return row;
}

std::string from_size(const Evidence& told, const std::string& name) {
  const auto size = told.value(name);
  if (size != 0) return size_text(size);
  return "none up to " + size_text(told.value("largest_given_bytes"));
}

/// `8 MiB`; `cached` where already a single freed one is kept for later, `of many` where several
/// are.
std::string own_mapping_words(const Evidence& told, const std::string& ending) {
  const auto own = told.value("own_mapping_from_bytes" + ending);
  const auto at_once = told.value("unmapped_at_once_from_bytes" + ending);
  if (own == 0 || own == at_once) return from_size(told, "unmapped_at_once_from_bytes" + ending);
  if (at_once == 0) return fmt::format("{}, cached", size_text(own));
  if (at_once < own) return fmt::format("{}, of many {}", size_text(at_once), size_text(own));
  return fmt::format("{}, cached below {}", size_text(own), size_text(at_once));
}

std::string vsz_words(const Told& told) {
  const auto& seen = told.of(kMapping);
  if (!seen.has_value("malloc_vsz_bytes")) return "-";
  return fmt::format("{} / {}", grouped_difference(seen.value("malloc_vsz_bytes")),
                     grouped_difference(seen.value("free_vsz_bytes")));
}

MechanismLine size_line(const std::string& label, const std::string& name) {
  return {label, [name](const Told& told) { return from_size(told.of(kMapping), name); }};
}

Mechanism own_mapping() {
  return {.id = "own_mapping",
          .title = "a mapping of its own from",
          .how =
              "the least size of which VSZ grows by about the size an object, and shrinks by most "
              "of it when every second of many is freed, so that no free end of a heap does it; by "
              "bisection, each try in a fork. `cached`: below the size given, the free of a single "
              "one unmaps nothing; `of many`: below the second size most of many freed ones are "
              "kept",
          .summary = [](const Told& told) { return own_mapping_words(told.of(kMapping), ""); },
          .lines = {
              size_line("mapped, and unmapped when many are freed, from", "own_mapping_from_bytes"),
              size_line("unmapped by the first free from", "unmapped_at_once_from_bytes"),
              {"VSZ by such a malloc / free, of many", vsz_words}}};
}

Mechanism own_mapping_after_free() {
  return {.id = "own_mapping_after_free",
          .title = "the same after a large block was freed",
          .how =
              "in each fork a block of 4 MiB, or of four times the threshold where that is more, "
              "was allocated and freed before; `moved`: the threshold is dynamic",
          .summary =
              [](const Told& told) {
                const auto& seen = told.of(kMapping);
                const auto fresh = own_mapping_words(seen, "");
                const auto later = own_mapping_words(seen, "_after_free");
                return fresh == later ? "the same" : fmt::format("moved: {}", later);
              },
          .lines = {{"the block freed before",
                     [](const Told& told) {
                       return size_text(told.of(kMapping).value("freed_large_bytes"));
                     }},
                    size_line("mapped, and unmapped when many are freed, from",
                              "own_mapping_from_bytes_after_free"),
                    size_line("unmapped by the first free from",
                              "unmapped_at_once_from_bytes_after_free")}};
}

std::string release_key(int block_bytes, const char* use) {
  return fmt::format("mechanism_release {} {}", block_bytes, use);
}

std::string given_back(const Told& told, int block_bytes, const char* use, double seconds) {
  return percent(told.at(release_key(block_bytes, use), "given_back_percent", seconds));
}

/// "-" where there is no way to ask.
std::string after_asking(const Told& told, int block_bytes, const char* use) {
  const auto key = release_key(block_bytes, use);
  if (told.of(key).curve("after_release_percent").empty()) return "-";
  return percent(told.at(key, "after_release_percent", 0));
}

std::vector<MechanismLine> release_lines(int block_bytes) {
  std::vector<MechanismLine> lines;
  for (const char* use : {"idle", "ticks"}) {
    const std::string words = std::string(use) == "idle" ? "idle" : "of light use";
    for (const double seconds : kMoments) {
      if (seconds == 0 && words != "idle") continue;
      lines.push_back(
          {seconds == 0 ? "at once, %" : fmt::format("after {} s {}, %", seconds, words),
           [=](const Told& told) { return given_back(told, block_bytes, use, seconds); }});
    }
    lines.push_back({fmt::format("asked for after 10 s {}, %", words),
                     [=](const Told& told) { return after_asking(told, block_bytes, use); }});
  }
  if (block_bytes == kSmallBlock) {  // once is enough: it is the same for all
    lines.back().note = [](const Told& told) { return "asked for by " + told.release_call; };
  }
  return lines;
}

Mechanism release(const char* id, const std::string& blocks, int block_bytes) {
  return {.id = id,
          .title = fmt::format(
              "% of 256 MiB given back, {} blocks: at once / 10 s idle / 10 s light use / asked",
              blocks),
          .how =
              "RSS, less what is only lazily freed, after all blocks were written to and freed in "
              "the order of their making; below 0: freeing took memory itself; light use: 2000 "
              "mallocs and frees of 100 to 3100 bytes every 100 ms",
          .summary =
              [block_bytes](const Told& told) {
                return fmt::format("{} / {} / {} / {}", given_back(told, block_bytes, "idle", 0),
                                   given_back(told, block_bytes, "idle", kLastMoment),
                                   given_back(told, block_bytes, "ticks", kLastMoment),
                                   after_asking(told, block_bytes, "idle"));
              },
          .lines = release_lines(block_bytes)};
}

std::string count_at(const Told& told, const char* curve, int threads) {
  return fmt::format("{:.0f}", told.at("mechanism_threads", curve, threads));
}

std::string first_malloc_words(const Told& told) {
  return size_text(static_cast<std::int64_t>(
      told.at("mechanism_threads", "first_malloc_vsz_bytes", kMostThreads)));
}

Mechanism threads() {
  Mechanism row{
      .id = "threads",
      .title = "mappings that serve 16 threads; VSZ of a thread's first malloc",
      .how =
          "where 200 objects of 64 bytes of each of so many threads lie, all of which live; line "
          "by line: mappings / regions of 64 MiB, aligned / threads that share a page with another",
      .summary = [](const Told& told) {
        return fmt::format("{}; +{}", count_at(told, "mappings_count", kMostThreads),
                           first_malloc_words(told));
      }};
  for (const int threads : kThreadCounts) {
    row.lines.push_back(
        {fmt::format("{} thread{}", threads, threads == 1 ? "" : "s"), [threads](const Told& told) {
           return fmt::format("{} / {} / {}", count_at(told, "mappings_count", threads),
                              count_at(told, "aligned_regions_count", threads),
                              count_at(told, "threads_sharing_pages_count", threads));
         }});
  }
  row.lines.push_back({"VSZ of a further thread's first malloc", first_malloc_words});
  return row;
}

std::string alignment_of(const Told& told, int size) {
  return fmt::format("{:.0f}", told.at("mechanism_alignment", "alignment_bytes", size));
}

Mechanism alignment() {
  Mechanism row{.id = "alignment",
                .title = "alignment of malloc(1) / (8) / (64) / (4096), bytes",
                .how =
                    "the largest power of two that the addresses of up to 1000 objects of the size "
                    "are multiples of",
                .summary = [](const Told& told) {
                  return joined(kAlignedInShort,
                                [&](int size) { return alignment_of(told, size); });
                }};
  for (const int size : kAlignedSizes) {
    row.lines.push_back({fmt::format("malloc({})", size),
                         [size](const Told& told) { return alignment_of(told, size); }});
  }
  return row;
}

std::string stale(const Told& told, int size) {
  return percent(told.at(kContents, "stale_percent", size));
}

Mechanism stale_bytes() {
  Mechanism row{.id = "stale_bytes",
                .title = "% stale bytes in reused objects of 64 B / 4 KiB / 1 MiB",
                .how =
                    "up to 1000 objects are filled and freed; the share of their bytes that new "
                    "objects of the size show",
                .summary = [](const Told& told) {
                  return joined(kReusedSizes, [&](int size) { return stale(told, size); });
                }};
  for (const int size : kReusedSizes) {
    row.lines.push_back({fmt::format("objects of {}, %", size_text(size)),
                         [size](const Told& told) { return stale(told, size); }});
  }
  return row;
}

/// `writes`: its pages are resident though nobody has read them.
std::string calloc_words(const Told& told, const std::string& which) {
  constexpr std::int64_t kTenth = 10;
  const auto& seen = told.of(kContents);
  if (seen.value(which + "_not_zero_bytes") != 0) return "not zero";
  const auto resident = seen.value(which + "_resident_pages_count");
  const auto all = seen.value("calloc_pages_count");
  if (resident > all - all / kTenth) return "writes";
  return resident < all / kTenth ? "untouched" : "writes in part";
}

MechanismLine calloc_line(const std::string& words, const std::string& which) {
  return {fmt::format("{}: what / minor faults / µs", words), [which](const Told& told) {
            constexpr std::int64_t kPerMicrosecond = 1000;
            const auto& seen = told.of(kContents);
            return fmt::format("{} / {} / {}", calloc_words(told, which),
                               grouped(seen.value(which + "_faults_count")),
                               grouped(seen.value(which + "_duration_ns") / kPerMicrosecond));
          }};
}

Mechanism calloc_zeroing() {
  return {.id = "calloc",
          .title = "calloc(16 MiB) on a fresh heap / after such a block was filled and freed",
          .how =
              "untouched: hardly a page of it is resident before it is read, so that nothing was "
              "written to make it zero",
          .summary =
              [](const Told& told) {
                return fmt::format("{} / {}", calloc_words(told, "fresh"),
                                   calloc_words(told, "reused"));
              },
          .lines = {calloc_line("fresh", "fresh"), calloc_line("reused", "reused")}};
}

}  // namespace

std::vector<Mechanism> memory_mechanisms() {
  constexpr int kMib = 1 << 20;
  constexpr int kMedium = 4096;
  return {overhead(),
          own_mapping(),
          own_mapping_after_free(),
          release("release_small", "64 B", kSmallBlock),
          release("release_medium", "4 KiB", kMedium),
          release("release_large", "1 MiB", kMib),
          threads(),
          alignment(),
          stale_bytes(),
          calloc_zeroing()};
}

}  // namespace heapwise

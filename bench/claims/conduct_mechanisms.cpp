// The rows of the table of mechanisms that are about conduct where something is wrong or scarce.
#include <fmt/format.h>

#include <array>

#include "bench/claims/mechanism_rows.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

constexpr const char* kExhaustion = "mechanism_exhaustion";
constexpr const char* kMisuse = "mechanism_misuse";
constexpr const char* kEdges = "mechanism_edges";
constexpr const char* kFork = "mechanism_fork";

struct Named {
  const char* name;  // as the experiment tells it
  const char* label;
};

constexpr std::array kMistakes{Named{"double_free", "free(p), free(p)"},
                               Named{"double_free_later", "free(p), free(q), free(p)"},
                               Named{"double_free_large", "free(p), free(p) of 1 MiB"},
                               Named{"interior_free", "free(p + 16)"},
                               Named{"foreign_free", "free of a static array's middle"},
                               Named{"write_past_end", "16 bytes past the end of 64, then free"},
                               Named{"read_after_free", "64 bytes read after free"},
                               Named{"read_after_free_large", "1 MiB read after free"}};

constexpr std::array kRequests{Named{"malloc_zero", "malloc(0)"},
                               Named{"calloc_zero", "calloc(0, 100)"},
                               Named{"realloc_zero", "realloc(p, 0)"},
                               Named{"realloc_null", "realloc(NULL, 100)"},
                               Named{"malloc_most", "malloc(PTRDIFF_MAX)"},
                               Named{"realloc_most", "realloc(p, PTRDIFF_MAX)"},
                               Named{"calloc_overflow", "calloc(SIZE_MAX / 2 + 1, 2)"},
                               Named{"posix_memalign_3", "posix_memalign(&p, 3, 100)"},
                               Named{"posix_memalign_4", "posix_memalign(&p, 4, 100)"},
                               Named{"posix_memalign_24", "posix_memalign(&p, 24, 100)"},
                               Named{"aligned_alloc_other_size", "aligned_alloc(64, 100)"},
                               Named{"aligned_alloc_24", "aligned_alloc(24, 48)"},
                               Named{"memalign_24", "memalign(24, 48)"}};

/// The text, with what was written to standard error as the note.
MechanismLine spoken_line(const std::string& label, const std::string& key, const std::string& name,
                          MechanismCell cell = {}) {
  if (!cell) cell = [=](const Told& told) { return told.of(key).text(name); };
  return {label, std::move(cell), [=](const Told& told) {
            const auto message = told.message(key, name);
            return message.empty() ? "" : fmt::format("{}: {}", label, message);
          }};
}

std::string yes_or_no(std::int64_t value) {
  return value != 0 ? "yes" : "no";
}

/// Whether it goes on when something is freed; nothing where the process did not live to see it.
std::string recovery_words(const Evidence& seen, const std::string& blocks) {
  if (!seen.text(blocks).starts_with("NULL")) return "-";
  return fmt::format("{} / {}", yes_or_no(seen.value(blocks + "_after_one_free")),
                     yes_or_no(seen.value(blocks + "_after_all_freed")));
}

std::vector<MechanismLine> exhaustion_lines(const std::string& words, const std::string& blocks) {
  constexpr std::int64_t kMib = 1 << 20;
  return {spoken_line(fmt::format("blocks of {}: how it ends", words), kExhaustion, blocks),
          {fmt::format("blocks of {}: MiB got of 256", words),
           [=](const Told& told) {
             return grouped(told.of(kExhaustion).value(blocks + "_got_bytes") / kMib);
           }},
          {fmt::format("blocks of {}: malloc works after one free / after all", words),
           [=](const Told& told) { return recovery_words(told.of(kExhaustion), blocks); }}};
}

/// `exit 3` is the loader's way of leaving a library out.
std::string start_words(const Told& told, const std::string& name) {
  const auto& word = told.of(kExhaustion).text(name);
  if (word == "exit 3") return "not loaded";
  return word == "exit 1" ? "malloc fails" : word;
}

Mechanism exhaustion() {
  Mechanism row{.id = "exhaustion",
                .title = "out of addresses: small / large blocks; malloc works after one free",
                .how =
                    "RLIMIT_AS at 256 MiB above what was mapped, malloc of 1000 B or of 1 MiB "
                    "until it refuses, then a free; and whether a process starts at all under so "
                    "low a limit",
                .summary = [](const Told& told) {
                  const auto& seen = told.of(kExhaustion);
                  const auto small = seen.text("blocks_of_1000");
                  const auto large = seen.text("blocks_of_1048576");
                  const auto after = seen.value("blocks_of_1000_after_one_free") != 0 &&
                                     seen.value("blocks_of_1048576_after_one_free") != 0;
                  return fmt::format("{}; {}", small == large ? small : small + " / " + large,
                                     after ? "yes" : "no");
                }};
  for (auto& line : exhaustion_lines("1000 B", "blocks_of_1000"))
    row.lines.push_back(std::move(line));
  for (auto& line : exhaustion_lines("1 MiB", "blocks_of_1048576"))
    row.lines.push_back(std::move(line));
  for (const int limit : {256, 1024, 4096}) {
    const auto name = fmt::format("starts_under_{}_mib", limit);
    row.lines.push_back(spoken_line(fmt::format("starts under ulimit -v {} MiB", limit),
                                    kExhaustion, name,
                                    [name](const Told& told) { return start_words(told, name); }));
  }
  return row;
}

/// Of a read after free: how much of it was as before.
std::string mistake_words(const Told& told, const std::string& name) {
  const auto& seen = told.of(kMisuse);
  const auto& word = seen.text(name);
  if (word != "read") return word;
  return fmt::format("reads, {} B as before", grouped(seen.value(name + "_unchanged_bytes")));
}

Mechanism misuse() {
  Mechanism row{
      .id = "misuse",
      .title = "free twice / with another between / inside an object / after a write past the end",
      .how =
          "each mistake in a process of its own that goes on allocating 1000 objects; `nothing`: "
          "no two of them share bytes, `given twice`: two do",
      .summary = [](const Told& told) {
        return fmt::format("{} / {} / {} / {}", mistake_words(told, "double_free"),
                           mistake_words(told, "double_free_later"),
                           mistake_words(told, "interior_free"),
                           mistake_words(told, "write_past_end"));
      }};
  for (const auto& [name, label] : kMistakes) {
    row.lines.push_back(spoken_line(
        label, kMisuse, name,
        [name = std::string(name)](const Told& told) { return mistake_words(told, name); }));
  }
  return row;
}

Mechanism edges() {
  Mechanism row{
      .id = "edges",
      .title = "malloc(0) / realloc(p, 0) / overflowing calloc / posix_memalign(24)",
      .how = "a pointer or NULL, with errno where it is set; of posix_memalign what it returns",
      .summary = [](const Told& told) {
        const auto& seen = told.of(kEdges);
        return fmt::format("{} / {} / {} / {}", seen.text("malloc_zero"), seen.text("realloc_zero"),
                           seen.text("calloc_overflow"), seen.text("posix_memalign_24"));
      }};
  for (const auto& [name, label] : kRequests) row.lines.push_back(spoken_line(label, kEdges, name));
  row.lines.push_back({"a refused realloc keeps the object", [](const Told& told) {
                         return yes_or_no(told.of(kEdges).value("realloc_keeps_object"));
                       }});
  return row;
}

std::string fork_words(const Told& told) {
  const auto& seen = told.of(kFork);
  const auto forks = seen.value("forks_count");
  if (seen.text("child") == "well")
    return fmt::format("{} of {}", grouped(seen.value("children_well_count")), grouped(forks));
  return fmt::format("{} at fork {}", seen.text("child"), grouped(forks));
}

Mechanism forks() {
  return {.id = "fork",
          .title = "children that allocate, forked while 4 threads do",
          .how =
              "100 forks, or as many as 3 s allow, each child mallocs and frees 2000 objects of 16 "
              "B to 300 kB; one that is not done after 3 s hangs, and the first that does not end "
              "well ends the experiment",
          .summary = fork_words,
          .lines = {spoken_line("forked children", kFork, "child", fork_words)}};
}

}  // namespace

std::vector<Mechanism> conduct_mechanisms() {
  return {exhaustion(), misuse(), edges(), forks()};
}

}  // namespace heapwise

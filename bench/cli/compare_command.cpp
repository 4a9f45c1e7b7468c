// `heapwise compare`: two specs in lockstep, or two result folders.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "bench/cli/command_line.h"
#include "bench/cli/conclusion.h"
#include "bench/cli/duel_options.h"
#include "bench/cli/python.h"
#include "bench/cli/terminal.h"
#include "bench/run/groups.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFooter =
    "Two specs are measured now. Single-threaded workloads run in lockstep: two live processes "
    "take\n"
    "turns on one CPU, a few milliseconds each, in random order, and every pair of processes is a\n"
    "fresh one. Threaded workloads alternate whole runs. Memory, faults and system calls come "
    "along.\n"
    "Two folders are compared as they are; time needs a common baseline inside their blocks.\n"
    "\n"
    "Examples:\n"
    "  heapwise compare glibc jemalloc\n"
    "  heapwise compare glibc mine=./libmine.so --workloads small_churn:live=100K\n"
    "  heapwise compare old=./old/libmine.so new=./libmine.so --time-budget 5m\n"
    "  heapwise compare results/before results/after\n"
    "Exit codes: 0 compared, 1 some run failed, 2 error, 3 the folders cannot be compared, 4 the "
    "time\n"
    "was too short for a verdict, 130 interrupted (go on with --resume DIR).";

struct Options {
  std::vector<std::string> sides;
  DuelOptions duel;
  bool as_json = false;
  bool all = false;
};

int compare_folders(const Options& options, const Parts& parts, Interrupt& interrupt) {
  std::vector<std::string> words{"compare", options.sides[0], options.sides[1]};
  if (options.as_json) words.emplace_back("--json");
  if (options.all) words.emplace_back("--all");
  if (!options.duel.out.empty()) words.insert(words.end(), {"--out", options.duel.out});
  return run_python(parts, words, interrupt);
}

void require_sides(const Options& options) {
  if (!options.duel.resume.empty() && options.sides.empty()) return;
  if (options.sides.size() != 2) {
    throw UsageError(
        fmt::format("compare takes two specs or two folders, {} given; see heapwise "
                    "compare --help",
                    options.sides.size()));
  }
  require_alike(options.sides[0], options.sides[1]);
}

int run_compare(const Options& options, const CommandLine& line) {
  require_sides(options);
  const auto parts = find_parts();
  Interrupt interrupt;
  if (options.duel.resume.empty() && fs::is_directory(options.sides[0])) {
    return compare_folders(options, parts, interrupt);
  }
  auto prepared =
      options.duel.resume.empty()
          ? prepare_duel(duel_request("compare", options.sides, options.duel, line),
                         result_folder_of(options.duel.out, "compare", "specs"), parts, interrupt)
          : prepare_resumed(options.duel.resume, "compare", parts);
  const auto result = run_campaign(prepared, {}, parts, interrupt);
  const int code = conclude({.result = result,
                             .folder = prepared.folder.path(),
                             .go_on = go_on_words(prepared),
                             .as_json = options.as_json},
                            parts, interrupt);
  const auto shortage = shortage_of(prepared, result, kFewestBlocks);
  if (shortage.groups == 0 || (code != kExitOk && code != kExitSomeFailed)) return code;
  print_note(inconclusive_words(shortage, go_on_words(prepared)));
  return kExitInconclusive;
}

}  // namespace

Subcommand add_compare(CLI::App& app) {
  auto* compare = app.add_subcommand("compare", "two specs in lockstep, or two result folders");
  compare->footer(kFooter);
  auto options = std::make_shared<Options>();
  auto* resume = add_duel_options(*compare, options->duel, "everything");
  compare->add_option("A", options->sides, "the baseline, and B, the candidate: specs or folders")
      ->type_name("SPEC|DIR")
      ->excludes(resume);
  compare->add_flag("--all", options->all, "of two folders: show what is the same too");
  compare->add_flag("--json", options->as_json, "print the comparisons as JSON");
  return {compare, [options](const CommandLine& line) { return run_compare(*options, line); }};
}

}  // namespace heapwise

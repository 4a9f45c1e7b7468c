// `heapwise claims`: what is said about malloc on Linux, tested on this machine.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "bench/claims/examination.h"
#include "bench/claims/mechanisms.h"
#include "bench/claims/questions.h"
#include "bench/claims/settings_table.h"
#include "bench/cli/claims_page.h"
#include "bench/cli/command_line.h"
#include "bench/cli/terminal.h"
#include "bench/core/clock.h"
#include "bench/run/document.h"
#include "bench/run/environment.h"
#include "bench/run/progress.h"
#include "bench/run/run_error.h"

extern char** environ;

namespace heapwise {
namespace {

constexpr const char* kFooter =
    "Each claim is tested by an experiment in a fresh C process, and its verdict is computed from "
    "what was\n"
    "measured: holds, holds if ..., does not hold, or not testable here, with the reason.\n"
    "\n"
    "Examples:\n"
    "  heapwise claims                  all of them, by question, in less than a minute\n"
    "  heapwise claims --only 3.4,9.7   two of them\n"
    "  heapwise claims --only 3         the claims of a question\n"
    "  heapwise claims --explain 3.4    its experiment step by step: addresses, brk, VSZ, RSS, "
    "faults\n"
    "  heapwise claims --json           for programs, with every measured value\n"
    "  heapwise claims --tables         and what a block costs by malloc's settings and its size, "
    "a minute more\n"
    "  heapwise claims --allocators 'glibc refmalloc jemalloc'\n"
    "                                   the same questions to other allocators: overhead, "
    "threshold to mmap, when\n"
    "                                   memory is given back, arenas, exhaustion, double frees\n"
    "\n"
    "Experiments start without GLIBC_TUNABLES, MALLOC_* and LD_PRELOAD; --keep-environment leaves "
    "them\n"
    "in, and skips the rows that are about malloc's defaults.\n"
    "Exit codes: 0 every experiment came to its end, whatever its verdict; 1 one broke; 2 error; "
    "130\n"
    "interrupted.";

using Texts = std::vector<std::string>;

struct ClaimsWords {
  Texts only;
  Texts allocators;
  std::string explain;
  std::string out;
  bool as_json = false;
  bool with_tables = false;
  bool every_line = false;
  bool keeps_environment = false;
};

/// The names of the variables that experiments otherwise start without.
Texts variables_here() {
  Texts names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    names.push_back(text.substr(0, text.find('=')));
  }
  return names;
}

bool is_named(const Texts& names, const Question& question, const Claim& claim) {
  return names.empty() || std::ranges::count(names, claim.id) > 0 ||
         std::ranges::count(names, std::to_string(question.number)) > 0;
}

/// The claims' ids and the questions' numbers.
Texts all_names() {
  auto names = all_claim_ids();
  for (const auto& question : all_questions()) names.push_back(std::to_string(question.number));
  return names;
}

/// Throws UsageError for a name that is not among the known.
void require_known(const Texts& names, const Texts& known) {
  for (const auto& name : names) {
    if (std::ranges::count(known, name) > 0) continue;
    throw UsageError(fmt::format("there is no claim '{}'{}; the claims are {}", name,
                                 did_you_mean(name, known), fmt::join(all_claim_ids(), " ")));
  }
}

/// The claims that were asked for, by question.
std::vector<Examined> plan_of(const Texts& names) {
  std::vector<Examined> plan;
  for (const auto& question : all_questions()) {
    Examined examined{.question = &question};
    for (const auto& claim : question.claims) {
      if (is_named(names, question, claim)) examined.rows.push_back({.claim = &claim});
    }
    if (!examined.rows.empty()) plan.push_back(std::move(examined));
  }
  return plan;
}

std::size_t count_rows(const std::vector<Examined>& plan) {
  std::size_t count = 0;
  for (const auto& examined : plan) count += examined.rows.size();
  return count;
}

/// Fills the rows in. False after Ctrl-C.
bool examine_all(std::vector<Examined>& plan, const Conditions& here, ExperimentRunner& runner,
                 ProgressReporter& progress) {
  const auto begin = monotonic_now();
  const auto planned = count_rows(plan);
  std::size_t done = 0;
  for (auto& examined : plan) {
    for (auto& row : examined.rows) {
      const auto spent = (monotonic_now() - begin).value;
      progress.update({.runs_done = done,
                       .runs_planned = planned,
                       .left = {done == 0 ? 0 : spent / done * (planned - done)},
                       .doing = fmt::format("{} {}", row.claim->id, row.claim->says)});
      row = examine(*row.claim, here, runner);
      if (runner.interrupted()) return false;
      ++done;
    }
  }
  return true;
}

Json document_of(const std::vector<Examined>& plan, const Conditions& here) {
  Json document{{"schema_version", 1},
                {"environment", read_environment()},
                {"conditions", to_json(here)},
                {"questions", Json::array()}};
  for (const auto& [question, rows] : plan) {
    Json claims = Json::array();
    for (const auto& row : rows) claims.push_back(to_json(row));
    document["questions"].push_back({{"number", question->number},
                                     {"title", question->title},
                                     {"answer", question->answer},
                                     {"claims", std::move(claims)}});
  }
  return document;
}

bool some_broke(const std::vector<Examined>& plan) {
  return std::ranges::any_of(plan, [](const Examined& examined) {
    return std::ranges::any_of(examined.rows, [](const Row& row) { return row.broke; });
  });
}

int say_interrupted() {
  print_note("interrupted: the experiments leave nothing behind; nothing was written");
  return kExitInterrupted;
}

void print_json(const Json& document) {
  constexpr int kIndent = 2;
  fmt::print("{}\n", document.dump(kIndent));
}

int run_mechanisms(const ClaimsWords& words, const Parts& parts, const Texts& keep) {
  std::vector<Spec> specs;
  for (const auto& text : words.allocators) {
    for (auto& spec : parse_specs(text)) specs.push_back(std::move(spec));
  }
  Interrupt interrupt;
  ProgressReporter progress(standard_error_sink());
  const auto document = measure_mechanisms(
      specs, parts, keep, interrupt,
      [&](const std::string& doing, std::size_t done, std::size_t planned) {
        progress.update({.runs_done = done, .runs_planned = planned, .doing = doing});
      });
  progress.finish();
  if (document.is_null()) return say_interrupted();
  if (!words.out.empty()) write_document(words.out, "mechanisms.json", document);
  if (words.as_json) {
    print_json(document);
  } else {
    fmt::print("{}", mechanisms_table(document, columns_of(STDOUT_FILENO), words.every_line));
  }
  return kExitOk;
}

int run_claims(const ClaimsWords& words, const Parts& parts, const Texts& keep) {
  auto names = words.only;
  require_known(names, all_names());
  if (!words.explain.empty()) {
    require_known({words.explain}, all_claim_ids());
    names.push_back(words.explain);
  }
  const auto own_malloc = resolve_allocator(parse_spec("as_linked"), parts.directory);
  Interrupt interrupt;
  ExperimentRunner runner(parts, own_malloc, keep, interrupt);
  const auto here = read_conditions(runner, child_environment(own_malloc, {}, keep));
  auto plan = plan_of(names);
  ProgressReporter progress(standard_error_sink());
  if (!examine_all(plan, here, runner, progress)) return say_interrupted();
  auto document = document_of(plan, here);
  if (words.with_tables) {
    document["settings_table"] =
        measure_settings_table(runner, [&](const ProgressState& state) { progress.update(state); });
    if (runner.interrupted()) return say_interrupted();
  }
  progress.finish();
  if (!words.out.empty()) write_document(words.out, "claims.json", document);
  if (words.as_json) {
    print_json(document);
  } else if (!words.explain.empty()) {
    print_explanation(plan.front().rows.front(), here);
  } else {
    print_claims(plan, here);
    if (words.with_tables) print_settings_table(document["settings_table"]);
  }
  return some_broke(plan) ? kExitSomeFailed : kExitOk;
}

int run(const ClaimsWords& words) {
  if (!words.out.empty()) make_document_folder(words.out);
  const auto parts = find_parts();
  const auto keep = words.keeps_environment ? variables_here() : Texts{};
  return words.allocators.empty() ? run_claims(words, parts, keep)
                                  : run_mechanisms(words, parts, keep);
}

}  // namespace

Subcommand add_claims(CLI::App& app) {
  auto* claims =
      app.add_subcommand("claims", "what is said about malloc on Linux, tested on this machine");
  claims->footer(kFooter);
  auto words = std::make_shared<ClaimsWords>();
  auto* only =
      claims->add_option("--only", words->only, "ids of claims or numbers of questions, 3.4,9.7")
          ->delimiter(',')
          ->type_name("TEXT");
  claims->add_option("--explain", words->explain, "one claim: its experiment step by step")
      ->type_name("ID")
      ->excludes(only);
  claims->add_option("--out", words->out,
                     "folder that claims.json, or mechanisms.json, is written into");
  auto* tables = claims->add_flag("--tables", words->with_tables,
                                  "measure the table of settings and block sizes too");
  auto* allocators =
      claims
          ->add_option("--allocators", words->allocators,
                       "allocator x mechanism: specs, separated by spaces; repeatable")
          ->type_name("TEXT")
          ->excludes(only);
  allocators->excludes(tables);
  claims
      ->add_flag("--every-line", words->every_line,
                 "of --allocators: every line of every mechanism")
      ->needs(allocators);
  claims->add_flag("--json", words->as_json, "print JSON");
  claims->add_flag("--keep-environment", words->keeps_environment,
                   "experiments keep GLIBC_TUNABLES, MALLOC_* and LD_PRELOAD");
  return {claims, [words](const CommandLine&) { return run(*words); }};
}

}  // namespace heapwise

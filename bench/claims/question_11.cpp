// Question 11: What else is there than the C library's malloc?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bench/claims/other_allocators.h"
#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

/// As malloc is here, then under each allocator whose library is installed.
std::vector<ExperimentRequest> under_each_allocator(const Parts& parts) {
  std::vector<ExperimentRequest> requests{{.name = "malloc_exercise"}};
  for (const auto& allocator : installed_allocators(parts)) {
    requests.push_back({.name = "malloc_exercise",
                        .arguments = {allocator.spec.name, allocator.library_path},
                        .environment = preloading_environment(allocator)});
  }
  return requests;
}

/// One that ended the process before main is not known by its name.
std::string name_of(const Evidence& told) {
  return told.texts.contains("allocator") ? told.text("allocator") : "one of them";
}

/// What went wrong under one allocator; empty: nothing.
std::string fault_of(const Evidence& told) {
  if (told.signal != 0) return fmt::format("was ended by signal {}", told.signal);
  if (!told.ended()) return fmt::format("ended early, with exit code {}", told.exit_code);
  if (told.text("malloc_library") != told.text("asked_library")) {
    return fmt::format("did not answer: {} did", told.text("malloc_library"));
  }
  if (const auto failed = told.value("failed_count"); failed > 0)
    return fmt::format("gave nothing {} times", failed);
  const auto broken = told.value("damaged_count") + told.value("misaligned_count");
  return broken > 0 ? fmt::format("damaged or misaligned {} blocks", broken) : std::string();
}

Judgement judge_others_answer(const Findings& findings) {
  const auto& own = findings.front();
  const auto own_library = own.text("malloc_library");
  std::vector<std::string> good;
  std::vector<std::string> bad;
  for (std::size_t i = 1; i < findings.size(); ++i) {
    const auto& told = findings[i];
    if (told.ended() && told.text("asked_library") == own_library) continue;  // it answers anyway
    const auto fault = fault_of(told);
    (fault.empty() ? good : bad).push_back(name_of(told) + (fault.empty() ? "" : " " + fault));
  }
  if (good.empty() && bad.empty())
    return not_testable("no other allocator is installed; " + how_to_install_others());
  auto measured =
      fmt::format("in the place of {}, each with {} blocks in two threads, all intact: {}",
                  own.text("malloc_library"), grouped(own.value("blocks_count")),
                  good.empty() ? "none" : fmt::format("{}", fmt::join(good, ", ")));
  if (bad.empty()) return holds(measured);
  measured += fmt::format("; but {}", fmt::join(bad, ", "));
  if (good.empty()) return does_not_hold(measured);
  return holds_if("the allocator is not one of those that failed", measured);
}

}  // namespace

Question question_11() {
  return {
      .number = 11,
      .title = "What else is there than the C library's malloc?",
      .answer =
          "malloc is a function like any other: a library that is loaded before the C library and "
          "defines it "
          "answers in its place, for the whole program, without compiling it again. Several such "
          "allocators are "
          "packaged by every distribution. They differ in how they keep threads apart, how long "
          "they hold on to "
          "freed memory and how they find space for a size, so that each is faster or smaller for "
          "some programs "
          "and not for others. Which is better for yours is a measurement, not an opinion: run "
          "your program, or a "
          "workload like it, under each.",
      .claims = {
          {.id = "11",
           .says = "Allocators by others can be used in the place of the C library's malloc.",
           .experiment = "The same small program, with malloc, calloc, realloc, aligned_alloc and "
                         "free in two threads and "
                         "every block checked, as installed and with each allocator that is found "
                         "here in LD_PRELOAD.",
           .needs = {Need::kGlibcMalloc},
           .runs_here = under_each_allocator,
           .judge = judge_others_answer,
           .truth = "Any shared library that defines malloc and its family replaces the C "
                    "library's, when it comes first "
                    "in the order in which the loader looks names up.",
           .mechanism = "_dl_lookup_symbol_x takes the first definition in the link map's scope; "
                        "LD_PRELOAD comes "
                        "before the program's own libraries; glibc calls malloc through its PLT",
           .see_it = "LD_PRELOAD=/usr/lib/.../LIBRARY.so PROGRAM; grep -E 'alloc|libc' "
                     "/proc/PID/maps; heapwise try "
                     "-- PROGRAM"},
      }};
}

}  // namespace heapwise

#include "bench/cli/claims_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "bench/claims/wording.h"
#include "bench/cli/page.h"
#include "bench/core/units.h"

namespace heapwise {
namespace {

constexpr std::int64_t kKibibyte = 1024;

std::string phrase_of(Holds holds) {
  switch (holds) {
    case Holds::kYes:
      return "holds";
    case Holds::kOnlyIf:
      return "holds if";
    case Holds::kNo:
      return "does not hold";
    case Holds::kNotTestable:
      return "not testable here";
  }
  return "";
}

const char* colour_of(Holds holds) {
  switch (holds) {
    case Holds::kYes:
      return "32";  // green
    case Holds::kOnlyIf:
      return "33";  // yellow
    case Holds::kNo:
      return "31";  // red
    case Holds::kNotTestable:
      return "2";  // faint
  }
  return "0";
}

void print_judgement(const Page& page, const std::string& indent, const Row& row) {
  const auto& judgement = row.judgement;
  const auto verdict = page.coloured(phrase_of(judgement.holds), colour_of(judgement.holds));
  const auto condition =
      judgement.condition.empty()
          ? ""
          : (judgement.holds == Holds::kOnlyIf ? " " : ": ") + judgement.condition;
  page.print_hanging(indent + "verdict   ", verdict + condition);
  if (!judgement.measured.empty()) page.print_hanging(indent + "measured  ", judgement.measured);
  page.print_hanging(indent + "true is   ", std::string(row.claim->truth));
}

void print_conditions(Page& page, const Conditions& here) {
  page.print_heading(
      fmt::format("glibc {}, {}, Linux {}", here.libc_version, here.machine, here.kernel));
  page.print_hanging(
      "  ", fmt::format("malloc is {}; pages have {} bytes; transparent huge pages: {}; {}; {}",
                        here.malloc_library, here.page_bytes,
                        here.huge_pages.empty() ? "none" : here.huge_pages,
                        here.has_swap ? "swap" : "no swap", here.is_root ? "root" : "not root"));
  if (here.has_seccomp)
    page.print_hanging("  ", "a seccomp filter is set: it may refuse system calls");
  if (!here.malloc_settings.empty()) {
    page.print_hanging("  ",
                       fmt::format("malloc's settings: {}", fmt::join(here.malloc_settings, " ")));
  }
}

void print_summary(Page& page, const std::vector<Examined>& all) {
  std::map<Holds, int> counts;
  int claims = 0;
  for (const auto& examined : all) {
    for (const auto& row : examined.rows) {
      ++counts[row.judgement.holds];
      ++claims;
    }
  }
  page.print_heading(
      fmt::format("{} {}: {} hold, {} hold under a condition, {} do not hold, {} not testable here",
                  claims, claims == 1 ? "claim" : "claims", counts[Holds::kYes],
                  counts[Holds::kOnlyIf], counts[Holds::kNo], counts[Holds::kNotTestable]));
}

/// The first column of a step holds what it is, the rest what has changed since the step before.
void print_step(const Step& step, const Step* before) {
  const auto changed = [&](std::int64_t Step::*field, std::int64_t unit) {
    return before == nullptr ? grouped(step.*field / unit)
                             : grouped_difference((step.*field - before->*field) / unit);
  };
  const auto brk = before == nullptr ? fmt::format("{:#x}", static_cast<std::uint64_t>(step.brk))
                                     : changed(&Step::brk, 1);
  fmt::print("  {:>15} {:>12} {:>10} {:>9} {:>7}  {:<18} {}\n", brk,
             changed(&Step::vsz_bytes, kKibibyte), changed(&Step::rss_bytes, kKibibyte),
             changed(&Step::minor_faults_count, 1), changed(&Step::major_faults_count, 1),
             step.address == 0 ? "" : fmt::format("{:#x}", step.address), step.label);
}

std::string command_of(const ExperimentRequest& request) {
  std::vector<std::string> words = request.environment;
  words.emplace_back("heapwise-experiment");
  words.push_back(request.name);
  words.insert(words.end(), request.arguments.begin(), request.arguments.end());
  return fmt::format("{}", fmt::join(words, " "));
}

void print_trace(Page& page, const ExperimentRequest& request, const Evidence& told) {
  page.print_heading(command_of(request));
  if (!told.steps.empty()) {
    fmt::print("  {:>15} {:>12} {:>10} {:>9} {:>7}  {:<18} {}\n", "brk", "VSZ KiB", "RSS KiB",
               "minor", "major", "address", "after");
  }
  const Step* before = nullptr;
  for (const auto& step : told.steps) {
    print_step(step, before);
    before = &step;
  }
  for (const auto& [name, figure] : told.values) fmt::print("  {} = {}\n", name, grouped(figure));
  for (const auto& [name, text] : told.texts) {
    if (name != "ended") page.print_hanging("  " + name + " = ", text);
  }
}

/// The cell of a setting and a size; null where there is none.
Json cell_of(const Json& table, const Json& spec, const Json& size) {
  const auto found = std::ranges::find_if(table["cells"], [&](const Json& one) {
    return one["spec"] == spec && one["size_bytes"] == size;
  });
  return found == table["cells"].end() ? Json() : *found;
}

/// `2.1 us (256)`: an operation's time and its minor faults.
std::string cost_of(const Json& cell) {
  if (cell.is_null()) return "-";
  if (cell.contains("missing") && !cell["missing"].get<std::string>().empty()) return "-";
  constexpr double kPerMicrosecond = 1000;
  const auto time_ns = cell["operation_ns"].get<double>();
  const auto faults = cell["minor_faults_per_operation"].get<double>();
  return time_ns < kPerMicrosecond
             ? fmt::format("{:.0f} ns ({:.0f})", time_ns, faults)
             : fmt::format("{:.1f} us ({:.0f})", time_ns / kPerMicrosecond, faults);
}

}  // namespace

void print_claims(const std::vector<Examined>& all, const Conditions& here) {
  Page page;
  print_conditions(page, here);
  std::size_t width = 0;
  for (const auto& examined : all) {
    for (const auto& row : examined.rows) width = std::max(width, row.claim->id.size());
  }
  for (const auto& [question, rows] : all) {
    page.print_heading(fmt::format("{}. {}", question->number, question->title));
    for (const auto& row : rows) {
      page.print_hanging(fmt::format("  {:<{}}  ", row.claim->id, width),
                         std::string(row.claim->says));
      print_judgement(page, std::string(width + 4, ' '), row);
    }
  }
  print_summary(page, all);
}

void print_explanation(const Row& row, const Conditions& here) {
  Page page;
  print_conditions(page, here);
  page.print_heading(fmt::format("{}  {}", row.claim->id, row.claim->says));
  page.print_hanging("  done      ", std::string(row.claim->experiment));
  for (std::size_t i = 0; i < row.findings.size(); ++i)
    print_trace(page, row.requests[i], row.findings[i]);
  page.print_heading("What follows");
  print_judgement(page, "  ", row);
  page.print_hanging("  because   ", std::string(row.claim->mechanism));
  page.print_hanging("  see it    ", std::string(row.claim->see_it));
}

void print_settings_table(const Json& table) {
  Page page;
  page.print_heading(
      "Allocate, write each page, free: time an operation (minor faults an operation)");
  std::size_t width = 0;
  for (const auto& row : table["settings"])
    width = std::max(width, row["spec"].get<std::string>().size());
  const auto print_row = [&](const std::string& name, const auto& text_of_size) {
    fmt::print("  {:<{}}", name, width);
    for (const auto& size : table["shown_sizes_bytes"]) fmt::print("  {:>16}", text_of_size(size));
    fmt::print("\n");
  };
  print_row("size", [](const Json& size) { return grouped(size.get<std::int64_t>()); });
  for (const auto& row : table["settings"]) {
    print_row(row["spec"],
              [&](const Json& size) { return cost_of(cell_of(table, row["spec"], size)); });
  }
}

}  // namespace heapwise

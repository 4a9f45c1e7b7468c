// `heapwise list`: what can be measured here, and what is missing for the rest.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "bench/cli/catalogue.h"
#include "bench/cli/command_line.h"
#include "bench/cli/page.h"
#include "bench/core/units.h"
#include "workloads/parameters_json.h"

namespace heapwise {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  heapwise list                       everything, the workloads by family\n"
    "  heapwise list small_churn jemalloc  what is named\n"
    "  heapwise list --json                for programs: {\"allocators\": [...], "
    "\"workloads\": [...],\n"
    "                                      \"apps\": [...], \"profiles\": [...]}";

using Texts = std::vector<std::string>;

std::string text(const Json& object, const char* key) {
  return object.at(key).get<std::string>();
}

/// A setting or parameter: its key, what it takes, what it does.
struct Field {
  std::string key;
  std::string values;
  std::string help;
};

/// Prints entries of one section: a name, and its lines beside it.
class Section {
 public:
  Section(Page& page, const std::string& heading, const Json& entries) : page_(page) {
    page.print_heading(heading);
    for (const auto& entry : entries) width_ = std::max(width_, text(entry, "name").size());
  }

  void print_name(const Json& entry, const std::string& sentence) const {
    page_.print_hanging(fmt::format("  {:<{}}  ", text(entry, "name"), width_), sentence);
  }
  void print_line(const std::string& sentence) const { page_.print_hanging(indent(), sentence); }
  void print_fields(const std::vector<Field>& fields) const {
    std::size_t keys = 0;
    std::size_t values = 0;
    for (const auto& field : fields) {
      keys = std::max(keys, field.key.size());
      values = std::max(values, field.values.size());
    }
    for (const auto& field : fields) {
      page_.print_hanging(
          fmt::format("{}  {:<{}}  {:<{}}  ", indent(), field.key, keys, field.values, values),
          field.help);
    }
  }

 private:
  std::string indent() const { return std::string(width_ + 4, ' '); }

  const Page& page_;
  std::size_t width_ = 0;
};

/// The unit, or the words to choose from.
std::string values_of(const Json& setting) {
  if (!setting.contains("choices")) return text(setting, "unit");
  return fmt::format("{}", fmt::join(setting["choices"].get<Texts>(), "|"));
}

void print_allocator(const Section& section, const Json& allocator) {
  const auto missing = text(allocator, "missing");
  const auto version = text(allocator, "version");
  section.print_name(allocator, text(allocator, "summary"));
  section.print_line(!missing.empty() ? "missing: " + missing
                                      : text(allocator, "library_path") +
                                            (version.empty() ? "" : ", version " + version));
  std::vector<Field> fields;
  for (const auto& setting : allocator["settings"]) {
    fields.push_back({text(setting, "key"), values_of(setting), text(setting, "help")});
  }
  section.print_fields(fields);
}

/// Those of `all` that are not among `others`.
Texts without(Texts all, const Texts& others) {
  std::erase_if(all, [&](const std::string& name) { return std::ranges::count(others, name) > 0; });
  return all;
}

void print_workload(const Section& section, const Json& workload) {
  section.print_name(workload, text(workload, "models"));
  section.print_line("not: " + text(workload, "does_not_model"));
  const auto passes = workload["passes"].get<Texts>();
  const auto more = without(passes, usual_passes());
  const auto fewer = without(usual_passes(), passes);
  if (!more.empty()) section.print_line(fmt::format("also: {}", fmt::join(more, ", ")));
  if (!fewer.empty()) section.print_line(fmt::format("never: {}", fmt::join(fewer, ", ")));
  std::vector<Field> fields;
  for (const auto& parameter : workload["parameters"]) {
    fields.push_back({text(parameter, "key"),
                      values_of(parameter) + ", default " + spec_text(parameter.at("default")),
                      text(parameter, "help")});
  }
  section.print_fields(fields);
}

void print_app(const Section& section, const Json& app) {
  const auto missing = text(app, "missing");
  section.print_name(app, text(app, "models"));
  if (!missing.empty()) section.print_line("missing: " + missing);
}

void print_workloads(Page& page, const Json& workloads) {
  page.print_heading("Workloads by family");
  page.print_hanging("  ", fmt::format("passes of each, unless it says otherwise: {}",
                                       fmt::join(usual_passes(), ", ")));
  for (auto first = workloads.begin(); first != workloads.end();) {
    const auto family = text(*first, "family");
    const auto last = std::find_if(first, workloads.end(),
                                   [&](const Json& one) { return one["family"] != family; });
    const Section section(page, "Workloads: " + family, workloads);
    for (; first != last; ++first) print_workload(section, *first);
  }
}

void print_catalogue(const Json& catalogue) {
  Page page;
  if (const auto& allocators = catalogue["allocators"]; !allocators.empty()) {
    const Section section(page, "Allocators", allocators);
    for (const auto& allocator : allocators) print_allocator(section, allocator);
  }
  if (const auto& workloads = catalogue["workloads"]; !workloads.empty()) {
    print_workloads(page, workloads);
  }
  if (const auto& apps = catalogue["apps"]; !apps.empty()) {
    const Section section(page, "Real programs (bench --workloads apps, or by their names)", apps);
    for (const auto& app : apps) print_app(section, app);
  }
}

int run_list(const Texts& names, bool as_json) {
  auto catalogue = make_catalogue(find_parts());
  if (!names.empty()) keep_named(names, catalogue);
  if (as_json) {
    constexpr int kIndent = 2;
    fmt::print("{}\n", catalogue.dump(kIndent));
  } else {
    print_catalogue(catalogue);
  }
  return kExitOk;
}

}  // namespace

Subcommand add_list(CLI::App& app) {
  auto* list = app.add_subcommand("list", "allocators, workloads and what each can be asked");
  list->footer(kFooter);
  auto names = std::make_shared<Texts>();
  auto as_json = std::make_shared<bool>(false);
  list->add_option("NAME", *names, "of workloads, allocators or apps (default: all)")
      ->type_name("");
  list->add_flag("--json", *as_json, "print JSON");
  return {list, [names, as_json](const CommandLine&) { return run_list(*names, *as_json); }};
}

}  // namespace heapwise

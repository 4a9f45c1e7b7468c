#include "bench/claims/settings_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "bench/claims/other_allocators.h"
#include "bench/core/clock.h"
#include "bench/launch/launch_report.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kKiB = std::uint64_t{1} << 10;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// Blocks that the dynamic rule of a 64-bit glibc still follows, and the next size, whose chunk has
// 32 MiB: the columns stand close there.
constexpr std::uint64_t kLargestFollowed = 33'550'312;
constexpr std::array<std::uint64_t, 15> kSizes{
    64 * kKiB, 128 * kKiB, 256 * kKiB,       512 * kKiB,
    kMiB,      2 * kMiB,   4 * kMiB,         8 * kMiB,
    16 * kMiB, 24 * kMiB,  kLargestFollowed, kLargestFollowed + 1,
    32 * kMiB, 48 * kMiB,  64 * kMiB};

// Those of a table that fits a page: as far as the cliff, at it, and beyond it.
constexpr std::array<std::uint64_t, 6> kShownSizes{256 * kKiB,       kMiB,      4 * kMiB,
                                                   kLargestFollowed, 32 * kMiB, 64 * kMiB};

constexpr std::array kSpecs{
    "glibc",
    "glibc:mmap_threshold=128K",
    "glibc:mmap_threshold=64M",
    "glibc:mmap_threshold=64M,trim_threshold=256M",
    "glibc:trim_threshold=128K",
    "glibc:top_pad=64M",
};

constexpr const char* kTimedMilliseconds = "60";
constexpr const char* kCountedOperations = "4";
constexpr const char* kCurveOperations = "16";
constexpr std::uint64_t kCurveSize = kMiB;
constexpr double kFewestFaults = 0.5;  // an operation; fewer are strays, not the setting's

/// A row of the table: an allocator with its settings.
struct TableRow {
  std::string spec;
  std::vector<std::string> environment;
  bool is_preloaded = false;
  std::string missing;
};

/// Tells the progress, and where it has come to.
class Steps {
 public:
  Steps(const SettingsTableProgress& progress, std::size_t planned)
      : progress_(progress), planned_(planned) {}

  void begin(const std::string& doing) {
    const auto spent = (monotonic_now() - begin_).value;
    const auto left = done_ == 0 ? 0 : spent / done_ * (planned_ - done_);
    progress_({.runs_done = done_++, .runs_planned = planned_, .left = {left}, .doing = doing});
  }

 private:
  const SettingsTableProgress& progress_;
  std::size_t planned_;
  std::size_t done_ = 0;
  Nanoseconds begin_ = monotonic_now();
};

bool is_same_file(const std::string& one, const std::string& other) {
  std::error_code error;
  return std::filesystem::equivalent(one, other, error);
}

/// The C library's malloc with settings. `answering`: the library that answers without any.
TableRow row_of_the_answering(const std::string& spec, const Parts& parts,
                              const std::string& answering) {
  const auto allocator = resolve_allocator(parse_spec(spec), parts.directory);
  TableRow row{
      .spec = spec, .environment = settings_environment(allocator), .missing = allocator.missing};
  if (row.missing.empty() && !is_same_file(allocator.library_path, answering)) {
    row.missing = fmt::format("malloc is answered by {} here", answering);
  }
  return row;
}

std::vector<TableRow> make_rows(const Parts& parts, const std::string& answering) {
  std::vector<TableRow> rows;
  for (const auto* spec : kSpecs) rows.push_back(row_of_the_answering(spec, parts, answering));
  for (const auto& allocator : installed_allocators(parts)) {
    if (is_same_file(allocator.library_path, answering)) continue;
    rows.push_back({.spec = allocator.spec.text(),
                    .environment = preloading_environment(allocator),
                    .is_preloaded = true});
  }
  return rows;
}

/// Why an experiment has no figures; empty: it has.
std::string why_missing(const Evidence& told) {
  if (!told.refused.empty()) return told.refused;
  if (told.timed_out) return "it took too long";
  if (told.signal != 0) return fmt::format("it was ended by signal {}", told.signal);
  return told.ended() ? "" : fmt::format("it ended early, with exit code {}", told.exit_code);
}

double per_operation(const Evidence& told, std::uint64_t count) {
  return static_cast<double>(count) / static_cast<double>(told.value("operations_count"));
}

double faults_per_operation(const Evidence& told) {
  return per_operation(told, static_cast<std::uint64_t>(told.value("minor_faults_count")));
}

void add_times(const Evidence& told, Json& cell) {
  for (const char* name : {"operations_count", "operation_ns", "fastest_operation_ns"})
    cell[name] = told.value(name);
  cell["minor_faults_per_operation"] = faults_per_operation(told);
}

void add_system_calls(const Evidence& told, Json& cell) {
  struct Count {
    const char* name;
    std::uint64_t LaunchReport::*count;
  };
  constexpr std::array kCounts{Count{"brk_per_operation", &LaunchReport::brk_count},
                               Count{"mmap_per_operation", &LaunchReport::mmap_count},
                               Count{"munmap_per_operation", &LaunchReport::munmap_count},
                               Count{"madvise_per_operation", &LaunchReport::madvise_count},
                               Count{"mremap_per_operation", &LaunchReport::mremap_count}};
  const bool is_counted = told.ended() && told.launch && told.launch->region_seen != 0;
  std::uint64_t sum = 0;
  for (const auto& [name, count] : kCounts) {
    cell[name] = is_counted ? Json(per_operation(told, (*told.launch).*count)) : Json();
    if (is_counted) sum += (*told.launch).*count;
  }
  cell["system_calls_per_operation"] = is_counted ? Json(per_operation(told, sum)) : Json();
}

/// Two runs: one that is timed, one whose system calls are counted.
Json measure_cell(ExperimentRunner& runner, const TableRow& row, std::uint64_t size) {
  const auto bytes = std::to_string(size);
  const auto timed = runner.run({.name = "block_churn",
                                 .arguments = {bytes, kTimedMilliseconds},
                                 .environment = row.environment});
  Json cell{{"spec", row.spec}, {"size_bytes", size}, {"missing", why_missing(timed)}};
  if (!cell["missing"].get<std::string>().empty()) return cell;
  add_times(timed, cell);
  const auto counted = runner.run({.name = "block_churn",
                                   .arguments = {bytes, "0", kCountedOperations},
                                   .environment = row.environment,
                                   .counts_system_calls = true});
  add_system_calls(counted, cell);
  return cell;
}

void measure_cells(ExperimentRunner& runner, const std::vector<TableRow>& rows, Steps& steps,
                   Json& cells) {
  for (const auto& row : rows) {
    if (!row.missing.empty()) continue;
    for (const auto size : kSizes) {
      steps.begin(fmt::format("{}, blocks of {} bytes", row.spec, size));
      auto cell = measure_cell(runner, row, size);
      if (runner.interrupted()) return;
      cells.push_back(std::move(cell));
    }
  }
}

/// Minor faults of an operation as a function of one setting; the specs differ in its value alone.
class FaultsBySetting {
 public:
  FaultsBySetting(ExperimentRunner& runner, std::string spec_without_value)
      : runner_(runner), spec_(std::move(spec_without_value)) {}

  /// Throws MissingEvidence.
  double at(std::uint64_t value) const {
    const auto spec = parse_spec(spec_ + std::to_string(value));
    return faults_per_operation(runner_.run(
        {.name = "block_churn",
         .arguments = {std::to_string(kCurveSize), "0", kCurveOperations},
         .environment = settings_environment(resolve_allocator(spec, runner_.parts().directory))}));
  }
  bool has_faults_at(std::uint64_t value) const { return at(value) >= kFewestFaults; }

  /// The last value with faults, between one that has them and one that has not; nothing where it
  /// is not so.
  std::optional<std::uint64_t> last_with_faults(std::uint64_t low, std::uint64_t high) const {
    if (!has_faults_at(low) || has_faults_at(high)) return std::nullopt;
    while (high - low > 1 && !runner_.interrupted()) {
      const auto middle = low + (high - low) / 2;
      (has_faults_at(middle) ? low : high) = middle;
    }
    return low;
  }

 private:
  ExperimentRunner& runner_;
  std::string spec_;  // ends in "setting="
};

std::vector<std::uint64_t> evenly(std::uint64_t first, std::uint64_t last, std::uint64_t step) {
  std::vector<std::uint64_t> values;
  for (auto value = first; value <= last; value += step) values.push_back(value);
  return values;
}

/// Values so close to an edge that its width shows.
void add_around(std::uint64_t edge, std::vector<std::uint64_t>& values) {
  for (const std::uint64_t distance : {0ULL, 1ULL, 64ULL, 1024ULL, 4096ULL, 8192ULL}) {
    values.push_back(edge - distance);
    values.push_back(edge + 1 + distance);
  }
  std::ranges::sort(values);
}

Json series_of(const char* name, const std::string& spec, const char* x, const char* y) {
  return {{"name", name}, {"spec", spec}, {"size_bytes", kCurveSize},
          {"x", x},       {"y", y},       {"points", Json::array()}};
}

/// The curve of a setting, closer around the edge where the faults end.
void measure_faults(const FaultsBySetting& faults, std::vector<std::uint64_t> values, Json& series,
                    Json& edges) {
  if (const auto edge = faults.last_with_faults(values.front(), values.back())) {
    add_around(*edge, values);
    edges.push_back({{"series", series["name"]},
                     {"last_with_faults", *edge},
                     {"first_without_faults", *edge + 1}});
  }
  for (const auto value : values) series["points"].push_back({value, faults.at(value)});
}

void measure_fault_curves(ExperimentRunner& runner, Steps& steps, Json& table) {
  struct Curve {
    const char* name;
    const char* spec;
    const char* x;
    std::vector<std::uint64_t> values;
  };
  const std::vector<Curve> curves{
      {"faults_against_trim_threshold", "glibc:mmap_threshold=64M,trim_threshold=",
       "trim_threshold_bytes", evenly(64 * kKiB, 2 * kMiB, 64 * kKiB)},
      {"faults_against_top_pad", "glibc:mmap_threshold=64M,trim_threshold=128K,top_pad=",
       "top_pad_bytes", evenly(0, kMiB + kMiB / 4, 64 * kKiB)}};
  for (const auto& curve : curves) {
    steps.begin(curve.name);
    auto series = series_of(curve.name, curve.spec, curve.x, "minor_faults_per_operation");
    try {
      measure_faults(FaultsBySetting(runner, curve.spec), curve.values, series, table["edges"]);
    } catch (const MissingEvidence& missing) {
      series["missing"] = missing.what();
    }
    if (runner.interrupted()) return;
    table["series"].push_back(std::move(series));
  }
}

void add_curve(const Evidence& told, const char* name, const char* y, Json& table) {
  auto series = series_of(name, kSpecs.front(), "frees_count", y);
  series.erase("size_bytes");
  for (const auto& point : told.curve(y)) series["points"].push_back({point.x, point.y});
  if (const auto missing = why_missing(told); !missing.empty()) series["missing"] = missing;
  table["series"].push_back(std::move(series));
}

void measure_dynamic_threshold(ExperimentRunner& runner, Steps& steps, Json& table) {
  steps.begin("dynamic_threshold");
  const auto told = runner.run({.name = "dynamic_threshold"});
  if (runner.interrupted()) return;
  add_curve(told, "dynamic_threshold", "smallest_mapped_bytes", table);
  add_curve(told, "dynamic_threshold_freed", "freed_bytes", table);
}

Json measure_cost_ladder(ExperimentRunner& runner, Steps& steps) {
  steps.begin("cost of a page");
  const auto told = runner.run({.name = "cold_file", .arguments = {"2048", "300"}});
  if (const auto missing = why_missing(told); !missing.empty()) return {{"missing", missing}};
  const auto pages = static_cast<double>(told.value("pages_count"));
  const auto of_a_page = [&](const char* name) {
    return static_cast<double>(told.value(name)) / pages;
  };
  return {{"page_again_ns", of_a_page("again_elapsed_ns")},
          {"minor_fault_ns", of_a_page("anonymous_elapsed_ns")},
          {"page_cache_ns", of_a_page("warm_elapsed_ns")},
          {"major_fault_ns", of_a_page("cold_elapsed_ns")},
          {"pages_count", told.value("pages_count")}};
}

/// Curves of the C library's malloc, where it is that which answers.
void measure_curves(ExperimentRunner& runner, const TableRow& own, Steps& steps, Json& table) {
  if (own.missing.empty() && !runner.interrupted()) measure_fault_curves(runner, steps, table);
  if (own.missing.empty() && !runner.interrupted()) measure_dynamic_threshold(runner, steps, table);
  if (!runner.interrupted()) table["cost_ladder"] = measure_cost_ladder(runner, steps);
}

Json describe(const std::vector<TableRow>& rows) {
  auto settings = Json::array();
  for (const auto& row : rows) {
    settings.push_back(
        {{"spec", row.spec}, {"preloaded", row.is_preloaded}, {"missing", row.missing}});
  }
  return settings;
}

}  // namespace

Json measure_settings_table(ExperimentRunner& runner, const SettingsTableProgress& progress) {
  const auto rows =
      make_rows(runner.parts(), runner.run({.name = "conditions"}).text("malloc_library"));
  constexpr std::size_t kCurves = 4;
  const auto measured =
      std::ranges::count_if(rows, [](const auto& row) { return row.missing.empty(); });
  Steps steps(progress, static_cast<std::size_t>(measured) * kSizes.size() + kCurves);
  Json table{{"complete", false},      {"settings", describe(rows)},
             {"sizes_bytes", kSizes},  {"shown_sizes_bytes", kShownSizes},
             {"cells", Json::array()}, {"series", Json::array()},
             {"edges", Json::array()}, {"cost_ladder", Json::object()}};
  measure_cells(runner, rows, steps, table["cells"]);
  measure_curves(runner, rows.front(), steps, table);
  table["complete"] = !runner.interrupted();
  return table;
}

}  // namespace heapwise

#include "bench/claims/mechanisms.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>

#include "allocators/release.h"
#include "bench/claims/mechanism_rows.h"
#include "bench/core/units.h"
#include "bench/run/candidate.h"
#include "bench/run/environment.h"

namespace heapwise {
namespace {

constexpr Bytes kSleeperBytes{300 * kMiB.value};  // what one may hold while it waits
constexpr std::size_t kMostSleepers = 64;
// Each waits its turn behind all others, then ten seconds.
constexpr Nanoseconds kSleeperTimeout{300'000'000'000};

/// An allocator with all that its experiments told.
struct Column {
  Candidate candidate;
  std::string missing = {};
  std::unique_ptr<ExperimentRunner> runner = {};
  Told told = {};
};

/// A run of a column's, which sleeps most of its time.
struct Sleeper {
  Column* column = nullptr;
  MechanismRun run;
  std::unique_ptr<Child> child = {};
};

/// The object that answers malloc must be the allocator's library; nothing is measured of another.
std::string why_not_in_force(Column& column) {
  const auto& expected = column.candidate.resolved.library_path;
  const auto told = column.runner->run({.name = "conditions"});
  if (!told.ended()) {
    return fmt::format("a process under it ended with exit code {}, signal {}: {}", told.exit_code,
                       told.signal, told.errors);
  }
  std::error_code ignored;
  const auto& found = told.text("malloc_library");
  if (expected.empty() || std::filesystem::equivalent(found, expected, ignored)) return "";
  return fmt::format("malloc is answered by {}, not by {}", found, expected);
}

class Measurement {
 public:
  Measurement(const std::vector<Spec>& specs, const Parts& parts,
              const std::vector<std::string>& keep, Interrupt& interrupt,
              const MechanismProgress& progress)
      : interrupt_(interrupt), progress_(progress) {
    auto candidates = resolve_candidates(specs, parts);
    for (const auto& spec : specs) {
      const auto found = candidates.find(spec.text());
      if (found == candidates.end()) continue;  // named twice
      columns_.push_back({.candidate = std::move(found->second)});
      candidates.erase(found);
      prepare(columns_.back(), parts, keep);
    }
    for (auto& column : columns_) plan(column);
  }

  /// False after Ctrl-C.
  bool run() {
    auto batch = start_sleepers();
    for (auto& [column, run] : prompt_runs_) {
      if (!take(*column, run.key, [&] { return column->runner->run(run.request); })) return false;
    }
    while (!batch.empty()) {
      for (auto& sleeper : batch) {
        const auto finish = [&] {
          return sleeper.column->runner->finish(*sleeper.child, kSleeperTimeout);
        };
        if (!take(*sleeper.column, sleeper.run.key, finish)) return false;
      }
      batch = start_sleepers();
    }
    return true;
  }

  const std::deque<Column>& columns() const { return columns_; }

 private:
  void prepare(Column& column, const Parts& parts, const std::vector<std::string>& keep) {
    const auto& resolved = column.candidate.resolved;
    column.missing = column.candidate.exclusion_detail;
    if (!column.missing.empty() || interrupt_.requested()) return;
    column.runner = std::make_unique<ExperimentRunner>(parts, resolved, keep, interrupt_);
    column.missing = why_not_in_force(column);
    column.told.release_call =
        resolved.descriptor == nullptr ? "none" : release_text(resolved.descriptor->release);
  }

  void plan(Column& column) {
    if (!column.missing.empty()) return;
    for (auto& run : mechanism_runs(column.candidate.resolved)) {
      ++planned_;
      if (run.sleeps) {
        sleepers_.push_back({.column = &column, .run = std::move(run)});
      } else {
        prompt_runs_.emplace_back(&column, std::move(run));
      }
    }
  }

  /// As many as there is memory for, whatever they give back.
  std::vector<Sleeper> start_sleepers() {
    const auto room = std::clamp<std::size_t>(
        available_memory().value / 3 * 2 / kSleeperBytes.value, 1, kMostSleepers);
    std::vector<Sleeper> batch;
    while (!sleepers_.empty() && batch.size() < room) {
      batch.push_back(std::move(sleepers_.front()));
      sleepers_.pop_front();
      batch.back().child = batch.back().column->runner->start(batch.back().run.request);
    }
    return batch;
  }

  template <class Run>
  bool take(Column& column, const std::string& key, const Run& run) {
    progress_(fmt::format("{}: {}", column.candidate.spec_text(), key), done_++, planned_);
    auto evidence = run();
    if (interrupt_.requested()) return false;
    column.told.runs.emplace(key, std::move(evidence));
    return true;
  }

  Interrupt& interrupt_;
  const MechanismProgress& progress_;
  std::deque<Column> columns_;  // whose places in memory stay
  std::deque<Sleeper> sleepers_;
  std::vector<std::pair<Column*, MechanismRun>> prompt_runs_;
  std::size_t planned_ = 0;
  std::size_t done_ = 0;
};

Json allocators_of(const std::deque<Column>& columns) {
  Json allocators = Json::array();
  for (const auto& column : columns) {
    const auto& resolved = column.candidate.resolved;
    allocators.push_back(
        {{"spec", column.candidate.spec_text()},
         {"library", std::filesystem::path(resolved.library_path).filename().string()},
         {"version", resolved.package_version},
         {"missing", column.missing}});
  }
  return allocators;
}

/// "failed" and a note where the experiment did not tell what the cell needs.
std::string words_of(const MechanismCell& cell, const Column& column, Json& notes) {
  try {
    return cell(column.told);
  } catch (const MissingEvidence& missing) {
    const Json note = fmt::format("{}: {}", column.candidate.spec_text(), missing.what());
    if (std::ranges::count(notes, note) == 0) notes.push_back(note);
    return "failed";
  }
}

void add_note(const MechanismLine& line, const Column& column, Json& notes) {
  if (!line.note) return;
  const auto note = words_of(line.note, column, notes);
  if (!note.empty() && note != "failed")
    notes.push_back(fmt::format("{}, {}", column.candidate.spec_text(), note));
}

Json to_json(const Mechanism& mechanism, const std::deque<Column>& columns) {
  Json summary = Json::object();
  Json lines = Json::array();
  Json notes = Json::array();
  for (const auto& line : mechanism.lines)
    lines.push_back({{"label", line.label}, {"cells", Json::object()}});
  for (const auto& column : columns) {
    if (!column.missing.empty()) continue;
    const auto spec = column.candidate.spec_text();
    summary[spec] = words_of(mechanism.summary, column, notes);
    for (std::size_t i = 0; i < mechanism.lines.size(); ++i) {
      lines[i]["cells"][spec] = words_of(mechanism.lines[i].cell, column, notes);
      add_note(mechanism.lines[i], column, notes);
    }
  }
  return {{"id", mechanism.id}, {"title", mechanism.title}, {"how", mechanism.how},
          {"summary", summary}, {"lines", lines},           {"notes", notes}};
}

/// A curve's points by x, which is shorter than pairs.
Json figures_of(const Evidence& evidence) {
  Json curves = Json::object();
  for (const auto& [name, points] : evidence.curves) {
    auto& curve = curves[name] = Json::object();
    for (const auto& point : points) curve[fmt::format("{:g}", point.x)] = point.y;
  }
  auto texts = evidence.texts;
  texts.erase("ended");
  return {{"values", evidence.values}, {"texts", texts}, {"curves", curves}};
}

Json figures_of(const std::deque<Column>& columns) {
  Json figures = Json::object();
  for (const auto& column : columns) {
    if (!column.missing.empty()) continue;
    auto& runs = figures[column.candidate.spec_text()] = Json::object();
    for (const auto& [key, evidence] : column.told.runs) runs[key] = figures_of(evidence);
  }
  return figures;
}

}  // namespace

Json measure_mechanisms(const std::vector<Spec>& specs, const Parts& parts,
                        const std::vector<std::string>& keep, Interrupt& interrupt,
                        const MechanismProgress& progress) {
  Measurement measurement(specs, parts, keep, interrupt, progress);
  if (!measurement.run() || interrupt.requested()) return {};
  const auto& columns = measurement.columns();
  Json mechanisms = Json::array();
  for (const auto& mechanism : all_mechanisms()) mechanisms.push_back(to_json(mechanism, columns));
  return {{"schema_version", 1},
          {"environment", read_environment()},
          {"allocators", allocators_of(columns)},
          {"mechanisms", std::move(mechanisms)},
          {"figures", figures_of(columns)}};
}

}  // namespace heapwise

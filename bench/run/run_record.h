// One run: what it is asked, what came of it, and the record that is stored.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bench/core/units.h"
#include "bench/run/cell.h"

namespace heapwise {

/// The schema of manifest.json and runs.jsonl that this build writes and can continue.
inline constexpr int kSchemaVersion = 1;

enum class Status {
  kOk,
  kCrashed,
  kTimedOut,
  kWrongAllocator,
  kLibraryMissing,
  kNotPreloadable,
  kSettingContradicted,
  kIntegrityFailed,
  kCountMismatch,
  kOutOfMemory,
  kInterrupted,
  kSetupFailed,
  kClientFailed,
  kTooMuchOutput,
  kPartnerFailed,
};

inline constexpr std::array<std::string_view, 15> kStatusNames{
    "ok",
    "crashed",
    "timed_out",
    "wrong_allocator",
    "library_missing",
    "not_preloadable",
    "setting_contradicted",
    "integrity_failed",
    "count_mismatch",
    "out_of_memory",
    "interrupted",
    "setup_failed",
    "client_failed",
    "too_much_output",
    "partner_failed",
};

constexpr std::string_view status_name(Status status) {
  return kStatusNames[static_cast<std::size_t>(status)];
}

/// The status of that name, or nothing.
std::optional<Status> status_from_name(std::string_view name);

struct RunRequest {
  std::string run_id;
  std::size_t group = 0;  // place in the plan
  unsigned block = 0;
  unsigned attempt = 0;
  unsigned order = 0;  // place inside the block
  std::uint64_t seed = 0;
  Cell cell;
  std::optional<Slicing> slicing;      // of a run in lockstep
  std::optional<Injection> injection;  // of a calibration
  std::size_t padding_bytes = 0;
  std::string cgroup_procs;  // where what is measured enters its cgroup; empty: the parent's
  Nanoseconds timeout;       // 0: none
  bool warm_up = false;      // nothing of it is kept
};

struct RunResult {
  Status status = Status::kOk;
  std::string status_detail;
  bool not_carried_out = false;  // an earlier failure stands for it
  std::optional<int> exit_code;  // of a process that exited
  std::optional<int> signal;     // of a process that was killed
  std::uint64_t started_unix_ns = 0;
  Nanoseconds wall;
  Nanoseconds ready_after;  // of a worker: its start and its warm-up; 0 unless it became ready
  Json identity = Json::object();
  Json work = Json::object();
  Json metrics = Json::object();
  Json histograms = Json::object();
  Json timeline = Json::object();
  Json statistics = Json::object();  // of the allocator, by moment
  Json outcome;                      // of a command only

  void conclude(Status how, std::string detail) {
    status = how;
    status_detail = std::move(detail);
  }
};

/// The record as results/schema.json has it. Anything but `ok` has no figures, whatever was sent.
Json to_record(const RunRequest& request, const RunResult& result);

}  // namespace heapwise

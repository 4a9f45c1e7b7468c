#include "bench/run/run_record.h"

namespace heapwise {
namespace {

Json number_or_null(const std::optional<int>& number) {
  return number ? Json(*number) : Json(nullptr);
}

}  // namespace

std::optional<Status> status_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i) {
    if (kStatusNames[i] == name) return static_cast<Status>(i);
  }
  return std::nullopt;
}

Json to_record(const RunRequest& request, const RunResult& result) {
  const bool ok = result.status == Status::kOk;
  const auto figures = [&](const Json& json) { return ok ? json : Json::object(); };
  Json record = {{"schema_version", kSchemaVersion},
                 {"run_id", request.run_id},
                 {"group", request.group},
                 {"block", request.block},
                 {"attempt", request.attempt},
                 {"order", request.order},
                 {"seed", request.seed},
                 {"started_unix_ns", result.started_unix_ns},
                 {"cell", to_json(request.cell)},
                 {"status", status_name(result.status)},
                 {"status_detail", result.status_detail},
                 {"exit_code", number_or_null(result.exit_code)},
                 {"signal", number_or_null(result.signal)},
                 {"identity", result.identity},
                 {"work", result.work},
                 {"metrics", figures(result.metrics)},
                 {"histograms", figures(result.histograms)},
                 {"timeline", figures(result.timeline)}};
  if (ok && !result.statistics.empty()) record["statistics"] = result.statistics;
  if (!result.outcome.is_null()) record["outcome"] = result.outcome;
  return record;
}

}  // namespace heapwise

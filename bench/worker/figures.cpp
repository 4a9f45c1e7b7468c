#include "bench/worker/figures.h"

#include <cmath>
#include <numeric>

namespace heapwise {
namespace {

using nlohmann::json;

/// Tenths are below the resolution of every clock used here.
double to_tenths(double value) {
  return std::round(value * 10.0) / 10.0;
}

double ticks_to_ns(Ticks ticks) {
  return to_tenths(static_cast<double>(ticks) * nanoseconds_per_tick());
}

json throughput_metrics(const Figures& figures) {
  json slices = json::array();
  std::uint64_t total = 0;
  for (const auto slice : figures.slices) {
    slices.push_back(slice.value);
    total += slice.value;
  }
  const auto operations = static_cast<double>(figures.timed_operations_count);
  return {{"wall_per_operation_ns", static_cast<double>(total) / operations},
          {"cpu_per_operation_ns", static_cast<double>(figures.cpu.value) / operations},
          {"slice_ns", std::move(slices)}};
}

constexpr std::pair<const char*, double> kQuantiles[] = {{"_p50_ns", 0.5},
                                                         {"_p90_ns", 0.9},
                                                         {"_p99_ns", 0.99},
                                                         {"_p999_ns", 0.999},
                                                         {"_p9999_ns", 0.9999}};

json latency_metrics(const LatencyRecorder& latencies) {
  json metrics = {{"bracket_floor_ns", to_tenths(bracket_floor_ns())}};
  for (std::size_t i = 0; i < kStepsCount; ++i) {
    const auto step = static_cast<Step>(i);
    const std::string name = kStepNames[i];
    const auto& all = latencies.all(step);
    for (const auto& [suffix, quantile] : kQuantiles) {
      metrics[name + suffix] = ticks_to_ns(all.quantile(quantile));
    }
    metrics[name + "_max_ns"] = ticks_to_ns(all.largest());
    metrics[name + "_faulted_count"] = latencies.faulted(step).count();
  }
  return metrics;
}

json memory_metrics(const MemoryFigures& memory) {
  return {{"rss_before_bytes", memory.before.rss.value},
          {"vsz_before_bytes", memory.before.vsz.value},
          {"rss_end_bytes", memory.end.rss.value},
          {"rss_peak_bytes", memory.peak.rss.value},
          {"rss_drained_bytes", memory.rss_drained.value},
          {"vsz_end_bytes", memory.end.vsz.value},
          {"vsz_peak_bytes", memory.peak.vsz.value},
          {"anon_huge_bytes", memory.anon_huge.value},
          {"minor_faults_count", memory.faults.minor},
          {"major_faults_count", memory.faults.major},
          {"voluntary_switches_count", memory.faults.voluntary_switches},
          {"involuntary_switches_count", memory.faults.involuntary_switches}};
}

json request_metrics(const LatencyHistogram& responses) {
  json metrics = {{"requests_count", responses.count()},
                  {"request_max_ns", ticks_to_ns(responses.largest())}};
  for (const auto& [suffix, quantile] : kQuantiles) {
    metrics[std::string("request") + suffix] = ticks_to_ns(responses.quantile(quantile));
  }
  return metrics;
}

json fragmentation_metrics(const FragmentationFigures& figures, const MemorySample& before) {
  json metrics = {{"rss_before_bytes", before.rss.value},
                  {"live_bytes", figures.live.value},
                  {"usable_bytes", figures.usable.value},
                  {"rss_end_bytes", figures.rss_end.value}};
  if (!figures.was_released) return metrics;  // what was not asked for has no figure
  metrics["rss_released_bytes"] = figures.rss_released.value;
  metrics["rss_empty_bytes"] = figures.rss_empty.value;
  return metrics;
}

json metrics_of(const Figures& figures, const Pass& pass) {
  // System calls are counted outside, by the launcher; a checked run gives a status only.
  json metrics = json::object();
  if (pass.heap == HeapKind::kTimed) metrics.update(latency_metrics(*figures.latencies));
  if (pass.times_slices) metrics.update(throughput_metrics(figures));
  if (pass.reads_memory) metrics.update(memory_metrics(figures.memory));
  if (figures.requests) metrics.update(request_metrics(figures.requests->responses));
  if (figures.fragmentation) {
    metrics.update(fragmentation_metrics(*figures.fragmentation, figures.memory.before));
  }
  return metrics;
}

json buckets_of(const LatencyHistogram& histogram) {
  json buckets = json::array();
  for (std::size_t i = 0; i < LatencyHistogram::kBucketsCount; ++i) {
    if (const auto count = histogram.bucket_count(i); count != 0) {
      buckets.push_back({ticks_to_ns(LatencyHistogram::lower_bound(i)), count});
    }
  }
  return buckets;
}

json histograms_of(const LatencyRecorder& latencies) {
  json histograms = json::object();
  for (std::size_t i = 0; i < kStepsCount; ++i) {
    const auto step = static_cast<Step>(i);
    histograms[std::string(kStepNames[i]) + "_ns"] = buckets_of(latencies.all(step));
    histograms[std::string(kStepNames[i]) + "_faulted_ns"] = buckets_of(latencies.faulted(step));
  }
  return histograms;
}

json work_of(const Work& work) {
  json counts = {{"operations_count", work.operations_count},
                 {"heap_calls_count", work.heap_calls_count},
                 {"requested_bytes", work.requested_bytes},
                 {"harness_bytes", work.harness.value}};
  if (work.library_calls_count) counts["library_calls_count"] = *work.library_calls_count;
  return counts;
}

json timeline_of(const Timeline& timeline) {
  json columns = {{"operations_count", json::array()},
                  {"live_bytes", json::array()},
                  {"rss_bytes", json::array()},
                  {"vsz_bytes", json::array()}};
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    columns["operations_count"].push_back(timeline[i].operations_count);
    columns["live_bytes"].push_back(timeline[i].live.value);
    columns["rss_bytes"].push_back(timeline[i].rss.value);
    columns["vsz_bytes"].push_back(timeline[i].vsz.value);
  }
  return columns;
}

json timeline_of(const std::vector<TailPoint>& tail) {
  json columns = {{"operations_count", json::array()},
                  {"request_p50_ns", json::array()},
                  {"request_p99_ns", json::array()},
                  {"request_p999_ns", json::array()},
                  {"request_max_ns", json::array()}};
  for (const auto& point : tail) {
    columns["operations_count"].push_back(point.operations_count);
    columns["request_p50_ns"].push_back(ticks_to_ns(point.p50));
    columns["request_p99_ns"].push_back(ticks_to_ns(point.p99));
    columns["request_p999_ns"].push_back(ticks_to_ns(point.p999));
    columns["request_max_ns"].push_back(ticks_to_ns(point.largest));
  }
  return columns;
}

/// By moment and name; what could not be read is left out.
json statistics_of(const AllocatorStatistics& statistics) {
  json moments = json::object();
  for (std::size_t m = 0; m < kMomentsCount; ++m) {
    json values = json::object();
    for (std::size_t i = 0; i < statistics.size(); ++i) {
      const auto value = statistics.value(static_cast<Moment>(m), i);
      if (value) values[std::string(statistics.name(i))] = *value;
    }
    if (!values.empty()) moments[kMomentNames[m]] = std::move(values);
  }
  return moments;
}

}  // namespace

json to_json(const Figures& figures, const Pass& pass) {
  json line = {{"message", "figures"},
               {"status", figures.status},
               {"status_detail", figures.status_detail},
               {"work", work_of(figures.work)},
               {"metrics", json::object()},
               {"histograms", json::object()},
               {"timeline", json::object()},
               {"statistics", json::object()}};
  if (figures.status != "ok") return line;
  line["metrics"] = metrics_of(figures, pass);
  if (figures.latencies) line["histograms"] = histograms_of(*figures.latencies);
  if (figures.timeline) line["timeline"] = timeline_of(*figures.timeline);
  if (figures.requests) {
    line["histograms"]["request_ns"] = buckets_of(figures.requests->responses);
    if (!figures.requests->tail.empty()) line["timeline"] = timeline_of(figures.requests->tail);
  }
  if (figures.statistics) line["statistics"] = statistics_of(*figures.statistics);
  return line;
}

}  // namespace heapwise

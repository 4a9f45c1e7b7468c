#include "bench/inspect/process_counters.h"

#include <unistd.h>

#include "bench/inspect/keyed_text.h"
#include "bench/program/proc_file.h"

namespace heapwise {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;

Nanoseconds from_ticks(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return {ticks * (std::uint64_t{1'000'000'000} / per_second)};
}

/// A counter that fell belongs to threads that have ended: 0.
std::uint64_t rise(std::uint64_t before, std::uint64_t after) {
  return after > before ? after - before : 0;
}

std::int64_t growth(Bytes before, Bytes after) {
  return static_cast<std::int64_t>(after.value) - static_cast<std::int64_t>(before.value);
}

}  // namespace

double Rates::seconds() const {
  return static_cast<double>(sample.value) / kNanosecondsPerSecond;
}

std::optional<ProcessCounters> parse_counters(const std::string& stat, const std::string& status,
                                              Nanoseconds taken_at) {
  const auto counted = parse_process_stat(stat);
  if (!counted || !value_of(status, "VmRSS")) return std::nullopt;
  return ProcessCounters{.taken_at = taken_at,
                         .threads_count = counted->threads_count,
                         .minor_faults_count = counted->minor_faults_count,
                         .major_faults_count = counted->major_faults_count,
                         .user_cpu = from_ticks(counted->user_ticks),
                         .system_cpu = from_ticks(counted->system_ticks),
                         .vsz = bytes_of(status, "VmSize"),
                         .rss = bytes_of(status, "VmRSS"),
                         .rss_anonymous = bytes_of(status, "RssAnon"),
                         .rss_files = bytes_of(status, "RssFile"),
                         .rss_shared = bytes_of(status, "RssShmem"),
                         .swap = bytes_of(status, "VmSwap"),
                         .peak_rss = bytes_of(status, "VmHWM")};
}

std::optional<Rates> rates_between(const ProcessCounters& before, const ProcessCounters& after) {
  if (after.taken_at <= before.taken_at) return std::nullopt;
  Rates rates{.sample = after.taken_at - before.taken_at};
  const auto per_second = [&](std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(rise(from, to)) / rates.seconds();
  };
  const auto share = [&](Nanoseconds from, Nanoseconds to) {
    return static_cast<double>(rise(from.value, to.value)) /
           static_cast<double>(rates.sample.value);
  };
  rates.minor_faults_per_second = per_second(before.minor_faults_count, after.minor_faults_count);
  rates.major_faults_per_second = per_second(before.major_faults_count, after.major_faults_count);
  rates.user_cpu_share = share(before.user_cpu, after.user_cpu);
  rates.system_cpu_share = share(before.system_cpu, after.system_cpu);
  rates.rss_growth_bytes = growth(before.rss, after.rss);
  rates.vsz_growth_bytes = growth(before.vsz, after.vsz);
  return rates;
}

}  // namespace heapwise

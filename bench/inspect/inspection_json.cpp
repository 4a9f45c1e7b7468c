#include "bench/inspect/inspection_json.h"

#include "bench/core/clock.h"
#include "bench/run/run_record.h"

namespace heapwise {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json process_of(const Inspection& inspection) {
  const auto& process = inspection.process;
  return {{"pid", process.pid},
          {"name", process.name},
          {"executable", text_or_null(process.executable)},
          {"user", process.user_name},
          {"threads_count", inspection.counters.threads_count},
          {"has_ended", inspection.has_ended},
          {"is_self", inspection.is_self}};
}

Json malloc_of(const AnsweringMalloc& malloc) {
  return {{"allocator", text_or_null(malloc.allocator)},
          {"origin", word_of(malloc.origin)},
          {"library_path", text_or_null(malloc.library_path)},
          {"version", text_or_null(malloc.version)}};
}

Json settings_of(const Inspection& inspection) {
  Json settings = Json::array();
  for (const auto& [name, value] : inspection.settings) {
    settings.push_back({{"name", name}, {"value", value}});
  }
  return settings;
}

Json cgroup_of(const std::optional<CgroupMemory>& cgroup) {
  if (!cgroup) return nullptr;
  return {{"version", cgroup->version == CgroupVersion::kV1 ? 1 : 2},
          {"folder", cgroup->folder},
          {"use_bytes", cgroup->use.value},
          {"limit_bytes", cgroup->limit ? Json(cgroup->limit->value) : Json()}};
}

Json system_of(const Surroundings& around) {
  return {{"thp", text_or_null(around.huge_pages)},
          {"process_takes_huge_pages", around.process_takes_huge_pages},
          {"overcommit", around.overcommit ? Json(*around.overcommit) : Json()},
          {"committed_bytes", around.committed.value},
          {"commit_limit_bytes", around.commit_limit.value},
          {"memory_bytes", around.memory.value},
          {"available_bytes", around.available.value},
          {"swap_bytes", around.swap.value},
          {"mappings_limit_count", around.mappings_limit},
          {"memory_cgroup", cgroup_of(around.cgroup)}};
}

Json use_of(const MemoryUse& use) {
  return {{"mappings_count", use.mappings_count}, {"vsz_bytes", use.vsz.value},
          {"rss_bytes", use.rss.value},           {"pss_bytes", use.pss.value},
          {"swap_bytes", use.swap.value},         {"anon_huge_bytes", use.transparent_huge.value},
          {"hugetlb_bytes", use.hugetlb.value}};
}

Json arenas_of(const ArenaUse& arenas) {
  return {{"heaps_count", arenas.heaps_count},
          {"arenas_count", arenas.arenas_count ? Json(*arenas.arenas_count) : Json()},
          {"opened_bytes", arenas.opened.value},
          {"address_space_bytes", arenas.heaps_count * kArenaHeapBytes.value}};
}

Json memory_of(const Inspection& inspection) {
  Json kinds = Json::object();
  for (std::size_t at = 0; at < kMappingKindsCount; ++at) {
    const auto kind = static_cast<MappingKind>(at);
    kinds[std::string(key_of(kind))] = use_of(inspection.memory.of(kind));
  }
  return {{"kinds", std::move(kinds)},
          {"total", use_of(inspection.memory.total())},
          {"arenas", arenas_of(inspection.memory.arenas)},
          {"age_ns", inspection.memory_age().value},
          {"smaps_reading_ns", inspection.smaps_reading.value}};
}

Json counters_of(const ProcessCounters& counters) {
  return {{"vsz_bytes", counters.vsz.value},
          {"rss_bytes", counters.rss.value},
          {"rss_anonymous_bytes", counters.rss_anonymous.value},
          {"rss_files_bytes", counters.rss_files.value},
          {"rss_shared_bytes", counters.rss_shared.value},
          {"rss_peak_bytes", counters.peak_rss.value},
          {"swap_bytes", counters.swap.value},
          {"minor_faults_count", counters.minor_faults_count},
          {"major_faults_count", counters.major_faults_count},
          {"user_cpu_ns", counters.user_cpu.value},
          {"system_cpu_ns", counters.system_cpu.value}};
}

Json rates_of(const std::optional<Rates>& rates) {
  if (!rates) return nullptr;
  return {{"sample_ns", rates->sample.value},
          {"minor_faults_per_second", rates->minor_faults_per_second},
          {"major_faults_per_second", rates->major_faults_per_second},
          {"user_cpu_share", rates->user_cpu_share},
          {"system_cpu_share", rates->system_cpu_share},
          {"rss_growth_bytes", rates->rss_growth_bytes},
          {"vsz_growth_bytes", rates->vsz_growth_bytes}};
}

Json advice_to_json(const std::vector<Advice>& advice) {
  Json list = Json::array();
  for (const auto& each : advice) {
    list.push_back({{"rule", each.rule}, {"sentence", each.sentence}, {"next", each.next}});
  }
  return list;
}

}  // namespace

Json to_json(const Inspection& inspection, const std::vector<Advice>& advice) {
  return {{"schema_version", kSchemaVersion},
          {"inspected_unix_ns", read_clock(CLOCK_REALTIME).value},
          {"process", process_of(inspection)},
          {"malloc", malloc_of(inspection.malloc)},
          {"settings", settings_of(inspection)},
          {"system", system_of(inspection.surroundings)},
          {"memory", memory_of(inspection)},
          {"counters", counters_of(inspection.counters)},
          {"rates", rates_of(inspection.rates)},
          {"overall", rates_of(inspection.overall)},
          {"advice", advice_to_json(advice)}};
}

}  // namespace heapwise

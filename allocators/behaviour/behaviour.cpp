// Which probe answers for which setting, and the reports made of their answers.
#include <array>
#include <charconv>
#include <vector>

#include "allocators/allocator.h"
#include "allocators/behaviour/glibc_probes.h"
#include "allocators/behaviour/scudo_probes.h"
#include "allocators/ownership.h"
#include "allocators/setting_report.h"

namespace heapwise {
namespace {

struct GlibcProbe {
  std::string_view key;
  GlibcSettings::Value GlibcSettings::*value;
  void (*probe)(const GlibcSettings&, ProbeAnswer&);
};

constexpr std::array<GlibcProbe, 11> kGlibcProbes{{
    {"mmap_threshold", &GlibcSettings::mmap_threshold, probe_mmap_threshold},
    {"trim_threshold", &GlibcSettings::trim_threshold, probe_trim_threshold},
    {"top_pad", &GlibcSettings::top_pad, probe_top_pad},
    {"mmap_max", &GlibcSettings::mmap_max, probe_mmap_max},
    {"arena_max", &GlibcSettings::arena_max, probe_arena_max},
    {"arena_test", &GlibcSettings::arena_test, probe_arena_test},
    {"tcache_count", &GlibcSettings::tcache_count, probe_tcache_count},
    {"tcache_max", &GlibcSettings::tcache_max, probe_tcache_max},
    {"mxfast", &GlibcSettings::mxfast, probe_mxfast},
    {"hugetlb", &GlibcSettings::hugetlb, probe_hugetlb},
    {"perturb", &GlibcSettings::perturb, probe_perturb},
}};

std::uint64_t number(const std::string& plain) {
  std::uint64_t value = 0;
  std::from_chars(plain.data(), plain.data() + plain.size(), value);
  return value;
}

/// All values of the spec: each probe must know what the other settings hide from it.
GlibcSettings glibc_settings(const std::vector<SettingReport>& wanted) {
  GlibcSettings settings;
  for (const auto& report : wanted) {
    for (const auto& probe : kGlibcProbes) {
      if (probe.key == report.key) settings.*probe.value = number(report.requested);
    }
  }
  return settings;
}

void probe_glibc(const SettingReport& wanted, const GlibcSettings& settings, ProbeAnswer& answer) {
  for (const auto& probe : kGlibcProbes) {
    if (probe.key == wanted.key) return probe.probe(settings, answer);
  }
}

void probe_scudo(const SettingReport& wanted, ProbeAnswer& answer) {
  const auto value = number(wanted.requested);
  if (wanted.key == "zero_contents") return probe_zero_contents(value != 0, answer);
  if (wanted.key == "quarantine_size_kb") {
    return probe_quarantine(Quarantine::kGlobal, value, answer);
  }
  if (wanted.key == "thread_local_quarantine_size_kb") {
    return probe_quarantine(Quarantine::kThreadLocal, value, answer);
  }
}

void take(const ProbeAnswer& answer, SettingReport& report) {
  report.verdict = answer.verdict;
  report.read_back = answer.read_back.data();
  if (answer.note[0] != '\0') report.source += std::string("; ") + answer.note.data();
}

}  // namespace

std::vector<SettingReport> verify_settings_by_behaviour(const Spec& spec) {
  std::vector<SettingReport> reports;
  const auto* descriptor = find_descriptor(spec.name);
  if (descriptor == nullptr) return reports;
  for (const auto& [key, value] : spec.settings) {
    if (const auto* setting = descriptor->find_setting(key)) {
      reports.push_back(read_setting(spec.name, *setting, value));
    }
  }
  if (reports.empty()) return reports;
  const auto finding = prove_ownership(descriptor->ownership);
  const auto settings = glibc_settings(reports);
  const bool is_scudo = descriptor->name == "scudo";
  for (auto& report : reports) {
    if (descriptor->find_setting(report.key)->reader.kind != ReaderKind::kBehaviour) continue;
    if (finding.answer != OwnershipFinding::Answer::kOwned) {
      report.source += "; not probed: " + finding.text;
      continue;
    }
    const auto answer = probe_in_fork([&](ProbeAnswer& inner) {
      is_scudo ? probe_scudo(report, inner) : probe_glibc(report, settings, inner);
    });
    take(answer, report);
  }
  return reports;
}

}  // namespace heapwise

// Every setting of every installed allocator, set for real and read back by its getter.
#include <gtest/gtest.h>

#include "tests/allocators/allocator_process.h"

namespace heapwise {
namespace {

struct SettingCase {
  std::string allocator;
  std::string setting;
  Verdict verdict = Verdict::kVerified;
};

void PrintTo(const SettingCase& setting, std::ostream* stream) {
  *stream << setting.allocator << ":" << setting.setting;
}

class SettingReadBack : public testing::TestWithParam<SettingCase> {};

// Would catch: an option under a name the library does not know, ignored in silence; an index that
// belongs to another option; a value that was clamped.
TEST_P(SettingReadBack, AgreesWithWhatWasAskedFor) {
  const auto& [allocator, setting, verdict] = GetParam();
  HEAPWISE_SKIP_IF_MISSING(allocator);
  const auto found = identify_under(allocator + ":" + setting);
  EXPECT_EQ(found.identity.contradiction, "");
  const auto key = setting.substr(0, setting.find('='));
  const auto own = report_on(found.identity.settings, key);
  EXPECT_EQ(own.verdict, verdict) << to_json(own);
  const auto siblings = report_on(found.settings, key);
  EXPECT_EQ(siblings.verdict, verdict) << to_json(siblings);
}

INSTANTIATE_TEST_SUITE_P(
    Getters, SettingReadBack,
    testing::Values(SettingCase{"jemalloc", "narenas=3"}, SettingCase{"jemalloc", "narenas=1"},
                    SettingCase{"jemalloc", "dirty_decay_ms=-1"},
                    SettingCase{"jemalloc", "dirty_decay_ms=1234"},
                    SettingCase{"jemalloc", "muzzy_decay_ms=99"},
                    SettingCase{"jemalloc", "background_thread=1"},
                    SettingCase{"jemalloc", "background_thread=0"},
                    SettingCase{"jemalloc", "thp=always"}, SettingCase{"jemalloc", "thp=never"},
                    SettingCase{"tcmalloc", "max_total_thread_cache_bytes=1M"},
                    SettingCase{"tcmalloc", "max_total_thread_cache_bytes=100",
                                Verdict::kContradicted},
                    SettingCase{"tcmalloc", "aggressive_decommit=1"},
                    SettingCase{"tcmalloc", "aggressive_decommit=0"},
                    SettingCase{"tcmalloc", "release_rate=2.5"},
                    SettingCase{"tcmalloc_full", "max_total_thread_cache_bytes=64M"},
                    SettingCase{"tcmalloc_full", "aggressive_decommit=on"},
                    SettingCase{"tcmalloc_full", "release_rate=0"},
                    SettingCase{"refmalloc", "mmap_threshold=1M"},
                    SettingCase{"refmalloc", "mmap_threshold=16", Verdict::kContradicted},
                    SettingCase{"refmalloc", "trim_threshold=3M"},
                    SettingCase{"refmalloc", "decay_ms=77"}, SettingCase{"refmalloc", "arenas=2"},
                    SettingCase{"refmalloc", "thp=auto"}, SettingCase{"refmalloc", "thp=always"},
                    SettingCase{"refmalloc", "check=1"}, SettingCase{"refmalloc", "check=0"},
                    SettingCase{"refmalloc", "background=1"},
                    SettingCase{"refmalloc", "purge=free"}));

// mimalloc's getter takes an index, known for 2.0.9 alone: other versions say "requested only".
class MimallocSetting : public testing::TestWithParam<std::string> {};

// Would catch: an index that belongs to another option.
TEST_P(MimallocSetting, IsReadBackWhereItsIndexIsKnown) {
  HEAPWISE_SKIP_IF_MISSING("mimalloc");
  const auto found = identify_under("mimalloc:" + GetParam());
  const auto key = GetParam().substr(0, GetParam().find('='));
  const bool known = found.identity.version == "209";
  const auto report = report_on(found.identity.settings, key);
  EXPECT_EQ(report.verdict, known ? Verdict::kVerified : Verdict::kRequestedOnly)
      << to_json(report);
}

INSTANTIATE_TEST_SUITE_P(Indices, MimallocSetting,
                         testing::Values("large_os_pages=1", "large_os_pages=0", "page_reset=1",
                                         "page_reset=0", "eager_commit_delay=3",
                                         "decommit_delay=77", "allow_decommit=0",
                                         "allow_decommit=1"));

// Would catch: a setting that cannot be read claimed as verified.
TEST(SettingsWithoutGetter, AreRequestedOnly) {
  for (const std::string spec :
       {"tbbmalloc:use_huge_pages=1,huge_size_threshold=4M", "scudo:release_to_os_interval_ms=5"}) {
    const auto resolved = resolve_text(spec);
    if (!resolved.missing.empty()) continue;
    for (const auto& report : identify_under(spec).settings) {
      EXPECT_EQ(report.verdict, Verdict::kRequestedOnly) << spec << " " << to_json(report);
      EXPECT_EQ(report.read_back, "");
    }
  }
}

// Would catch: scudo's misspelt options, of which it only warns.
TEST(ScudoSettings, ShowInItsStatisticsAndInTheContentOfObjects) {
  HEAPWISE_SKIP_IF_MISSING("scudo");
  const std::string spec =
      "scudo:quarantine_size_kb=256,thread_local_quarantine_size_kb=64,zero_contents=1";
  for (const auto& report : identify_under(spec).settings) {
    EXPECT_EQ(report.verdict, Verdict::kVerified) << to_json(report);
  }
  const auto off = report_on(identify_under("scudo:zero_contents=0").settings, "zero_contents");
  EXPECT_EQ(off.verdict, Verdict::kVerified) << to_json(off);
}

// Would catch: settings that overwrite each other when several are given.
TEST(SeveralSettings, AllArrive) {
  HEAPWISE_SKIP_IF_MISSING("jemalloc");
  const auto found = identify_under(
      "jemalloc:narenas=2,dirty_decay_ms=0,muzzy_decay_ms=-1,background_thread=1,thp=never");
  ASSERT_EQ(found.identity.settings.size(), 5U);
  for (const auto& report : found.identity.settings) {
    EXPECT_EQ(report.verdict, Verdict::kVerified) << to_json(report);
  }
}

}  // namespace
}  // namespace heapwise

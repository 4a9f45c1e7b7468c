#include "allocators/setting_report.h"

#include "allocators/reader.h"
#include "allocators/setting_value.h"

namespace heapwise {

SettingReport read_setting(std::string_view allocator, const Setting& setting,
                           const std::string& wanted) {
  SettingReport report{.key = std::string(setting.key),
                       .requested = plain_value(allocator, setting, wanted),
                       .read_back = value_text(read_value(setting.reader)),
                       .source = reader_source(setting.reader)};
  if (!report.read_back.empty()) {
    report.verdict = same_value(setting, report.requested, report.read_back)
                         ? Verdict::kVerified
                         : Verdict::kContradicted;
  } else if (!setting.reader.only_version.empty()) {
    report.source += ", known for version " + std::string(setting.reader.only_version) + " only";
  }
  return report;
}

}  // namespace heapwise

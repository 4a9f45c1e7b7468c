#include "allocators/setting_report.h"

#include "allocators/reader.h"
#include "allocators/setting_value.h"

namespace heapwise {
namespace {

/// What was read as text. A function that is asked by key answers numbers only: of a setting with
/// choices, the place among them.
std::string read_back(const Setting& setting) {
  const ReadValue value = read_value(setting.reader);
  const bool is_place = setting.reader.kind == ReaderKind::kKeyedFunction &&
                        value.kind == ReadValue::Kind::kInteger && !setting.choices.empty();
  if (!is_place) return value_text(value);
  const auto place = static_cast<std::size_t>(value.integer);
  return place < setting.choices.size() ? std::string(setting.choices[place]) : value_text(value);
}

}  // namespace

SettingReport read_setting(std::string_view allocator, const Setting& setting,
                           const std::string& wanted) {
  SettingReport report{.key = std::string(setting.key),
                       .requested = plain_value(allocator, setting, wanted),
                       .read_back = read_back(setting),
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

// The report on one setting as far as the allocator itself can be asked, in the process it serves.
#pragma once

#include "allocators/allocator.h"

namespace heapwise {

/// Reads the setting back through its reader. Where there is none, or it is one of behaviour, the
/// setting is "requested only".
SettingReport read_setting(std::string_view allocator, const Setting& setting,
                           const std::string& wanted);

}  // namespace heapwise

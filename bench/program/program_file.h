// The file behind a command, and whether a library can be preloaded into it at all.
#pragma once

#include <optional>
#include <string>

namespace heapwise {

/// The path a shell would execute for `command`: itself when it has a slash, else from PATH.
/// Nothing when there is none that may be executed.
std::optional<std::string> find_program(const std::string& command);

/// Empty, or why the dynamic linker ignores LD_PRELOAD for this program: static or set-uid. Of a
/// script it is its interpreter that counts.
std::string why_not_preloadable(const std::string& program);

}  // namespace heapwise

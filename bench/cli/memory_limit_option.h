// The option --memory-limit of `bench` and `try`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "bench/core/units.h"

namespace heapwise {

CLI::Option* add_memory_limit_option(CLI::App& command, std::string& text);

/// 0 where nothing was typed: none. Throws UsageError for what is no size above 0.
Bytes parse_memory_limit(const std::string& text);

/// ` under a memory limit of 256M`, or nothing.
std::string memory_limit_words(Bytes limit);

}  // namespace heapwise

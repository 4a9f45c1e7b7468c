#include "bench/cli/memory_limit_option.h"

#include "bench/core/spec.h"

namespace heapwise {

CLI::Option* add_memory_limit_option(CLI::App& command, std::string& text) {
  return command.add_option("--memory-limit", text,
                            "run each in a memory cgroup of its own with this hard limit: 256M, "
                            "2G; what the kernel kills there is out_of_memory");
}

Bytes parse_memory_limit(const std::string& text) {
  if (text.empty()) return {};
  const auto bytes = parse_scaled(text);
  if (bytes && *bytes > 0) return {*bytes};
  throw UsageError("--memory-limit '" + text + "' is not a size; write 256M, 2G or plain bytes");
}

std::string memory_limit_words(Bytes limit) {
  return limit.value == 0 ? "" : " under a memory limit of " + format_scaled(limit.value);
}

}  // namespace heapwise

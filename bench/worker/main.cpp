// heapwise-worker: the measured process.

#include <charconv>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string_view>

#include "allocators/allocator.h"
#include "bench/worker/google_benchmark.h"
#include "bench/worker/self_cost.h"
#include "bench/worker/session.h"

namespace {

constexpr const char* kHelp =
    "heapwise-worker: the process in which heapwise measures an allocator\n"
    "\n"
    "  heapwise-worker [--benchmark_filter=REGEX] [--benchmark_...]\n"
    "        by hand: a Google Benchmark program with every workload at its defaults; put an\n"
    "        allocator under it with LD_PRELOAD\n"
    "  heapwise-worker --self\n"
    "        the harness's own cost, as JSON\n"
    "  heapwise-worker --verify-settings SPEC\n"
    "        probes the malloc settings of this process by behaviour, as JSON\n"
    "  heapwise-worker --cell-fd N\n"
    "        one cell for the parent over socket N (docs/protocols.md)\n";

int verify_settings(const char* text) {
  auto settings = nlohmann::json::array();
  for (const auto& report : heapwise::verify_settings_by_behaviour(heapwise::parse_spec(text))) {
    settings.push_back(heapwise::to_json(report));
  }
  std::puts(nlohmann::json{{"settings", settings}}.dump().c_str());
  return 0;
}

int serve(std::string_view descriptor) {
  int socket = -1;
  std::from_chars(descriptor.data(), descriptor.data() + descriptor.size(), socket);
  return heapwise::serve_cell(socket);
}

int dispatch(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (option == "--help" || option == "-h") return std::fputs(kHelp, stdout) < 0;
  if (option == "--self") return heapwise::print_self_cost();
  if (option == "--verify-settings" && argc == 3) return verify_settings(argv[2]);
  if (option == "--cell-fd" && argc == 3) return serve(argv[2]);
  return heapwise::run_by_hand(argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "heapwise-worker: %s\n", error.what());
    return 2;
  }
}

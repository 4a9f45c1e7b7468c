// Started by tests under an allocator: prints what it finds out about itself as one line of JSON.
// usage: identity_program SPEC EXPECTED_LIBRARY
#include <cstdio>

#include "allocators/allocator.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto spec = heapwise::parse_spec(argv[1]);
  const auto identity = heapwise::identify_process(spec, argv[2]);
  auto settings = nlohmann::json::array();
  for (const auto& report : heapwise::verify_settings_by_behaviour(spec)) {
    settings.push_back(heapwise::to_json(report));
  }
  const nlohmann::json found{{"identity", heapwise::to_json(identity)},
                             {"contradiction", identity.contradiction},
                             {"settings", settings}};
  return std::puts(found.dump().c_str()) < 0 ? 1 : 0;
}

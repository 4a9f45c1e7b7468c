// JSON whose members keep the order in which the schema lists them.
#pragma once

#include <nlohmann/json.hpp>

namespace heapwise {

using Json = nlohmann::ordered_json;

}  // namespace heapwise

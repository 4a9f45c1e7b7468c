// Asks the allocator that is loaded in this process for one value, by one of the closed list of
// readers. Looks symbols up at run time: nothing is linked, and nothing here takes heap memory.
#pragma once

#include <cstdint>
#include <string>

#include "allocators/descriptor.h"

namespace heapwise {

struct ReadValue {
  enum class Kind { kNothing, kInteger, kReal, kText };
  Kind kind = Kind::kNothing;
  std::int64_t integer = 0;
  double real = 0;
  const char* text = nullptr;  // owned by the allocator, lives as long as the process

  bool has_value() const { return kind != Kind::kNothing; }
};

/// The value, or kNothing where this process has no such symbol or name. A reader of behaviour
/// gives kNothing: see verify_settings_by_behaviour.
ReadValue read_value(const Reader& reader);

/// The same as text, "" for kNothing.
std::string value_text(const ReadValue& value);

/// "mallctl opt.narenas", "mi_option_get(14)", "behaviour: mmapped bit", "none".
std::string reader_source(const Reader& reader);

}  // namespace heapwise

// The symbols that one loaded object defines for others, found through its hash table as the
// dynamic linker does it. No heap.
#pragma once

#include <link.h>

#include <cstdint>

namespace heapwise {

class DynamicSymbols {
 public:
  /// Reads the object's dynamic section, which stays mapped as long as the object is.
  explicit DynamicSymbols(const dl_phdr_info& object);

  /// True when the object defines `name` for others; a mere reference to it is none.
  bool defines(const char* name) const;

 private:
  bool is_definition_of(const ElfW(Sym) & symbol, const char* name) const;
  bool gnu_hash_defines(const char* name) const;
  bool system_v_hash_defines(const char* name) const;

  const ElfW(Sym) * symbols_ = nullptr;
  const char* strings_ = nullptr;
  const std::uint32_t* gnu_hash_ = nullptr;
  const std::uint32_t* system_v_hash_ = nullptr;
};

}  // namespace heapwise

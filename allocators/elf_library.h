// Reads a shared library's file without loading it: whether this machine could preload it, whether
// it defines malloc, and its build id. Nothing of the library runs.
#pragma once

#include <string>

namespace heapwise {

struct ElfLibrary {
  std::string problem;  // not empty: why the file is no shared library of this machine
  bool defines_malloc = false;
  std::string build_id;  // hexadecimal, empty where there is none
};

/// Whether a file of this machine, a library or a program, exports a malloc of its own. False for a
/// damaged or foreign file.
bool exports_malloc(const std::string& path);

/// Inspects the file. Damaged, short and foreign files end in a `problem`, never in a crash.
ElfLibrary inspect_elf_library(const std::string& path);

}  // namespace heapwise

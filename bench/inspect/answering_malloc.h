// Which malloc answers in another process, as far as its mapped files and its environment tell: the
// first object that exports malloc, in the order in which the dynamic loader looks: the program,
// what is preloaded, its libraries, the C library last. What was loaded later on (dlopen) may
// export a malloc and never be asked; and mallopt() leaves no trace outside.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/core/spec.h"
#include "bench/program/memory_mappings.h"

namespace heapwise {

enum class MallocOrigin {
  kCLibrary,   // the C library's own
  kProgram,    // the program's file exports one
  kPreloaded,  // a library that LD_PRELOAD names
  kLibrary,    // another library
  kUnknown,    // no C library is mapped: linked statically, or another language's runtime
};

/// `c_library`, `program`, …: as in JSON.
std::string_view word_of(MallocOrigin origin);

struct AnsweringMalloc {
  MallocOrigin origin = MallocOrigin::kUnknown;
  std::string allocator;     // the name of its descriptor, which specs take; empty: none has it
  std::string library_path;  // empty when unknown
  std::string version;       // of the package that owns the library; empty where none does

  /// Whether arenas, thresholds and GLIBC_TUNABLES are as in the C library of GNU.
  bool is_glibc() const;
};

/// The files with code among the mappings, each once, in the order of addresses.
std::vector<std::string> code_files(const std::vector<MemoryMapping>& mappings);

/// The libraries that a value of LD_PRELOAD names.
std::vector<std::string> preloaded_libraries(std::string_view preload);

/// Whether a path that LD_PRELOAD names is that of a mapped file, or links to one of its folder.
bool is_same_library(const std::string& named, const std::string& mapped);

/// `exports` tells whether the file at a path exports malloc.
AnsweringMalloc find_answering_malloc(const std::vector<std::string>& files,
                                      const std::string& executable,
                                      const std::vector<std::string>& preloaded,
                                      const std::function<bool(const std::string&)>& exports);

/// The variables that some allocator reads, and LD_PRELOAD, out of the text of /proc/PID/environ:
/// the environment that the process was started with.
std::vector<KeyValue> malloc_settings(std::string_view environment);

/// The value of one of them, or nullptr.
const std::string* find_setting(const std::vector<KeyValue>& settings, std::string_view name);

}  // namespace heapwise

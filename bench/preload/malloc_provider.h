// Which object answers `malloc` in this process, by the dynamic linker's own account.
#pragma once

#include <cstdint>

namespace heapwise {

struct MallocProvider {
  char path[4096];      // canonical: absolute, symbolic links resolved, as the file is found now
  char build_id[65];    // lower-case hexadecimal, "" when the object has none
  bool in_executable;   // the program carries its own malloc; path is then /proc/self/exe's target
  std::uintptr_t base;  // load address
};

/// Fills `provider`; false, with `provider` cleared, when no loaded object defines malloc (a static
/// program). Objects that define `heapwise_interposer` are looked through. Uses no heap, any thread
/// may call it, also from a constructor; errno is kept.
bool find_malloc_provider(MallocProvider& provider);

/// The running program's file. False when /proc is not there.
bool read_executable_path(char* path, unsigned long capacity);

}  // namespace heapwise

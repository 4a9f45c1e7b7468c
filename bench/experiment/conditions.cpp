// What the experiments run under, seen from a process that was started like theirs.
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"

namespace heapwise {

/// Tells: libc_version, machine, malloc_library (the object that answers malloc), page_bytes,
/// user_id, kernel and machine as uname(2) has them.
void conditions(Report& report, const Arguments&) {
  utsname system{};
  uname(&system);
  Dl_info owner{};
  void* const chunk = malloc(1);
  dladdr(reinterpret_cast<void*>(&malloc), &owner);
  free(chunk);
  report.text("libc_version", gnu_get_libc_version());
  report.text("machine", system.machine);
  report.text("kernel", system.release);
  report.text("malloc_library", owner.dli_fname != nullptr ? owner.dli_fname : "");
  report.value("page_bytes", getpagesize());
  report.value("user_id", static_cast<std::int64_t>(geteuid()));
}

}  // namespace heapwise

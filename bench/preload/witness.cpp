// libheapwise_witness.so: says, from inside every process it is preloaded into, which object
// answers malloc there. A missing or unloadable allocator prints one line and exits 0; the witness
// does not.
//
// It speaks at load, because destructors do not run on _exit, a signal or exec: one JSON line
// (docs/protocols.md) by one write(2) with O_APPEND to the file named by HEAPWISE_WITNESS_FILE,
// which should be absolute, since a process may start anywhere. Without the variable, or where the
// file cannot be opened, it is silent: it must never change what the program does. A fork without
// exec keeps its allocator and is not reported again; an exec is. Static and set-uid programs
// ignore LD_PRELOAD and say nothing, which the reader must take as "unknown".
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/preload/malloc_provider.h"
#include "bench/preload/raw_system_calls.h"
#include "bench/preload/text_buffer.h"

namespace heapwise {
namespace {

constexpr char kFileVariable[] = "HEAPWISE_WITNESS_FILE";
constexpr mode_t kFileMode = 0666;  // less the umask
constexpr std::size_t kLineCapacity = std::size_t{56}
                                      << 10;  // two paths of 4096 bytes, each escaped as \u00XX

// Too large for a small stack; touched once, at load, by one thread.
constinit TextBuffer<kLineCapacity> line;
constinit MallocProvider provider{};
constinit char executable[sizeof provider.path]{};

void compose_line() {
  line.append("{\"pid\": ");
  line.append_number(syscall(SYS_getpid));
  line.append(", \"parent_pid\": ");
  line.append_number(syscall(SYS_getppid));
  line.append(", \"executable\": ");
  line.append_json_string(executable);
  line.append(", \"library_path\": ");
  line.append_json_string(provider.path);
  line.append(", \"build_id\": ");
  line.append_json_string(provider.build_id);
  line.append(", \"answers\": ");
  line.append_json_string(provider.in_executable ? "executable" : "library");
  line.append("}\n");
}

__attribute__((constructor)) void testify() {
  const char* file_name = getenv(kFileVariable);
  if (file_name == nullptr || *file_name == '\0') return;
  const int saved_errno = errno;
  if (find_malloc_provider(provider)) {
    read_executable_path(executable, sizeof executable);
    compose_line();
    const int file = raw::open_file(file_name, O_WRONLY | O_APPEND | O_CREAT, kFileMode);
    if (file >= 0) {
      raw::write_once(file, line.text(), line.length());
      raw::close_file(file);
    }
  }
  errno = saved_errno;
}

}  // namespace
}  // namespace heapwise

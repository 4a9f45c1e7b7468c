#include "bench/program/arena_heap.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace heapwise {

bool ArenaHeapHeader::is_valid(std::uint64_t length) const {
  static const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return arena != 0 && bytes != 0 && bytes % page_bytes == 0 && bytes <= accessible_bytes &&
         accessible_bytes <= length;
}

HeaderReading read_arena_heap_header(pid_t process, std::uint64_t begins, std::uint64_t length,
                                     ArenaHeapHeader& header) {
  const iovec here{&header, sizeof header};
  const iovec there{reinterpret_cast<void*>(begins), sizeof header};
  const auto count = process_vm_readv(process, &here, 1, &there, 1, 0);
  if (count < 0 && (errno == EPERM || errno == ENOSYS)) return HeaderReading::kForbidden;
  const bool is_heap = count == sizeof header && header.is_valid(length);
  return is_heap ? HeaderReading::kHeap : HeaderReading::kOther;
}

}  // namespace heapwise

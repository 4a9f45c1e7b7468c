// How much of the memory of a tree of processes is malloc's, from the accounts that
// libheapwise_share.so keeps inside them and from the kernel's.
//
//   tree    | code, stacks, other mappings | the program's own mmaps | malloc's |
//   malloc                                    [heap] + arena heaps + mapped objects, resident part
//   live                                      usable sizes of objects not yet freed
//
// malloc's memory holds free objects and pages too; live memory need not be resident. In a tree of
// several processes live bytes that a forked child inherited count in both, its pages once.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heapwise {

struct MallocShare {
  std::uint64_t tree_bytes;    // RSS of one process, the sum of the PSS of several
  std::uint64_t malloc_bytes;  // of these, counted likewise
  std::uint64_t live_bytes;
  /// Live objects whose memory was not found: malloc_bytes is too small when there are any.
  std::uint64_t unrecorded_count = 0;
};

/// Of these processes at this moment; nothing where no account could be read: all have ended, run
/// static programs or, in front of another allocator, none of glibc's. One without an account
/// counts in tree_bytes only, one that has ended or may not be looked at nowhere. The accounts'
/// own mappings count nowhere either.
///
/// Pages in a mapping that malloc has only a part of are counted one by one in /proc/PID/pagemap;
/// where it cannot be read, that part counts as wholly resident, up to the RSS of the mapping.
/// Untouched memory that was read counts as resident there (the kernel's page of zeros), up to the
/// same limit. Costs what reading /proc/PID/smaps does, and about 10 ns for each such page.
std::optional<MallocShare> read_malloc_share(const std::vector<pid_t>& processes,
                                             const std::string& share_folder);

}  // namespace heapwise

// The processes that descend from the launcher, found in /proc by their parent's number.
//
// Only children of the launcher itself are ever signalled, never a deeper process: a child stays a
// child until the launcher reaps it, and nobody else can, so the number just read cannot meanwhile
// have come to mean another process. What is deeper comes within reach by itself: the launcher is a
// subreaper, and a process whose parent has ended becomes its child.
//
//     launcher ── command ── worker        kill command ─▶    launcher ── worker
//
// No heap, no state; one thread, which is also the only one that reaps.
#pragma once

#include <cstdint>
#include <optional>

namespace heapwise {

/// Sends `signal` to every child of this process, ended ones that were not reaped included. How
/// many were reached; nothing: /proc is not there, or is that of other process numbers.
std::optional<std::uint64_t> signal_children(int signal);

/// SIGKILL to every child, and to the process group that it is in where that group is not of this
/// process's own session: a group dies as a whole, even one whose members fork without end. How
/// many children were reached; nothing: as above.
std::optional<std::uint64_t> kill_children_and_their_groups();

/// The processes below this one that run or could run again: neither zombies nor exiting.
std::uint64_t count_living_descendants();

}  // namespace heapwise

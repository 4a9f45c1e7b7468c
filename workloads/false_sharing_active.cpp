// false_sharing_active
//
// Models: threads with small objects of their own that they write often: counters, nodes, buffers
// of a few bytes. An allocator that cuts one cache line up for several threads makes the line
// travel at each write: active false sharing.
//
// Does not model: objects that threads share on purpose, objects that change hands, reading,
// threads that start and end, work between the writes.
//
// Parameters and their source: after cache-thrash of Hoard (Berger, McKinley, Blumofe, Wilson,
// ASPLOS 2000), in which each thread allocates one small object, writes it many times and frees it,
// again and again. Two objects at a time instead of one are the suite's own choice: of neighbours
// half a line apart one may be the last of its line and the next the first of another, and nothing
// would be shared by luck; of two for each thread some share. `objects=1` is the original's number.
// The writes are volatile: a compiler that sees malloc and free may leave plain ones out.
//
// How to read the result: an operation is one object's life, time an operation is wall time over
// the lives of all threads. Two of its steps are heap calls; nearly all of the time are the writes,
// which are the same under every allocator but for the lines they go to. `apart=1` is the control:
// the same calls and writes with objects of 128 bytes, of which no two begin on one line, or on a
// pair of lines that is fetched together, under any allocator. Time with the default over time with
// `apart=1` is the cost of sharing; near 1, nothing is shared. The first objects are made in turns,
// so that what lies beside what is not left to a race. Threads on one CPU share nothing.
//
// The null allocator gives a thread's objects one address, so that their writes wait for each
// other: the cost of the cell itself comes out higher than it is.

#include "workloads/false_sharing.h"

namespace heapwise {

extern const WorkloadDescriptor kFalseSharingActive;
constinit const WorkloadDescriptor kFalseSharingActive =
    describe_false_sharing<FirstObjects::kOwn>({
        .name = "false_sharing_active",
        .models = "threads that write small objects of their own, made and freed side by side",
        .does_not_model = "objects that change hands or are shared, work between the writes",
    });

}  // namespace heapwise

// false_sharing_passive
//
// Models: threads that start on small objects handed to them by the one that set them up: arguments
// of workers, per-thread state from one array of calls. They lie beside each other, on lines that
// several threads write; once freed, an allocator that lets each thread have the piece again that
// it was handed keeps the sharing alive: passive false sharing.
//
// Does not model: objects that threads share on purpose, objects that keep changing hands, reading,
// threads that start and end, work between the writes.
//
// Parameters and their source: after cache-scratch of Hoard (Berger, McKinley, Blumofe, Wilson,
// ASPLOS 2000), in which one thread allocates an object for each thread, which writes it, frees it,
// and goes on with objects of its own of the same size. Two objects for each thread instead of one
// are the suite's own choice: glibc's smallest objects lie 32 bytes apart, two to a line, so that a
// pair of neighbours shares a line or not by the luck of where the heap stood; of two pairs one
// does. `objects=1` is the original's number. The writes are volatile: a compiler that sees malloc
// and free may leave plain ones out.
//
// How to read the result: an operation is one object's life, time an operation is wall time over
// the lives of all threads, nearly all of it writes. The handed objects live and die in the
// warm-up; the region shows whether what follows still lies on their lines. As in
// false_sharing_active `apart=1` is the control, objects of which no two begin on one line: time
// with the default over time with `apart=1` is the cost of sharing (`size=16` over `size=64` says
// much the same); near 1, nothing is shared any more. Threads on one CPU share nothing. The cost of
// the cell itself comes out higher than it is, as there.

#include "workloads/false_sharing.h"

namespace heapwise {

extern const WorkloadDescriptor kFalseSharingPassive;
constinit const WorkloadDescriptor kFalseSharingPassive =
    describe_false_sharing<FirstObjects::kHandedOut>({
        .name = "false_sharing_passive",
        .models = "threads handed small objects that lie beside each other, then with their own",
        .does_not_model = "objects that keep changing hands or are shared, work between the writes",
    });

}  // namespace heapwise

// One cell for the parent, over the inherited socket: docs/protocols.md, "heapwise-worker".
#pragma once

namespace heapwise {

/// Takes the cell, proves the allocator, measures and answers. The exit code of main: 0 with
/// figures sent, 2 for a broken protocol, 3 when the cell was refused.
int serve_cell(int socket);

}  // namespace heapwise

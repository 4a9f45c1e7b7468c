// Makes fork safe while other threads allocate: the forking thread takes every lock first, so that
// the child, where those threads no longer exist, finds all structures whole.
//
// Lock order: purger, registry, arenas (bins, then runs), large objects, page map, metadata.
//
// What the other threads had in their magazines is lost in the child, at most magazine_limit
// objects of each class and thread; their records serve new threads. It cannot be taken back: a
// fork copies page after page while the others go on, so a magazine's top and its entries may be
// from different moments, and an entry below the top may be an object that is live. Nothing else
// tells the two apart.
#pragma once

namespace refmalloc {

// Handlers that are registered first run last before a fork and first after it, so call this as
// early as possible: those of others may then still allocate.
void register_fork_handlers() noexcept;

}  // namespace refmalloc

// Asks the allocator that is loaded in this process to give back to the system what it does not
// use, by one of the closed list of ways. Nothing is linked, and nothing here takes heap memory.
#pragma once

#include <string>

#include "allocators/descriptor.h"

namespace heapwise {

/// False where there is no way, or this process has no such symbol or name. Of several threads only
/// the caller's cache is emptied.
bool release_memory(const Release& release);

/// "malloc_trim(0)", "mallctl thread.tcache.flush, mallctl arena.4096.purge", "none".
std::string release_text(const Release& release);

}  // namespace heapwise

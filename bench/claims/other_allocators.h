// Experiments under other allocators than the C library's malloc, found through the project's own
// descriptors: no list of names here.
#pragma once

#include <vector>

#include "allocators/allocator.h"
#include "bench/claims/experiment_runner.h"
#include "bench/run/parts.h"

namespace heapwise {

/// The allocators of the default list whose library is on this machine.
std::vector<ResolvedAllocator> installed_allocators(const Parts& parts);

/// What to install to have another: "apt-get install PACKAGE or PACKAGE ...".
std::string how_to_install_others();

/// KEY=VALUE for each variable that carries the allocator's settings.
std::vector<std::string> settings_environment(const ResolvedAllocator& allocator);

/// The same, and LD_PRELOAD of its library.
std::vector<std::string> preloading_environment(const ResolvedAllocator& allocator);

}  // namespace heapwise

// What scudo does with its options, as far as its statistics and the content of objects tell. Run
// in a fork (probe_in_fork).
#pragma once

#include <cstdint>

#include "allocators/behaviour/behaviour_probe.h"

namespace heapwise {

/// Which of the two limits that __scudo_print_stats prints.
enum class Quarantine { kGlobal, kThreadLocal };

void probe_quarantine(Quarantine which, std::uint64_t wanted_kib, ProbeAnswer& answer);
void probe_zero_contents(bool wanted, ProbeAnswer& answer);

}  // namespace heapwise

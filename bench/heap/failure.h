// How a heap under test tells that it cannot go on. The measured process sets the handler; until
// then a failure is written to standard error and ends the process.
#pragma once

#include <cstddef>
#include <string_view>

namespace heapwise {

/// Called with a run record's status and its detail, from any thread, on a heap that may be broken:
/// it must neither return nor touch the heap under test.
using FailureHandler = void (*)(std::string_view status, std::string_view detail);

void set_failure_handler(FailureHandler handler);

/// `function` is what was called, with `requested` bytes, and gave NULL.
[[noreturn]] void fail_out_of_memory(std::string_view function, std::size_t requested);
[[noreturn]] void fail_integrity(std::string_view detail);

}  // namespace heapwise

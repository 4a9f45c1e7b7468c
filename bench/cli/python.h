// The way to the Python package: everything that is inferred is inferred there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/run/child.h"
#include "bench/run/parts.h"

namespace heapwise {

/// The interpreter that scripts/choose-python prints; nothing after a note why there is none.
std::optional<std::string> choose_python(const Parts& parts, Interrupt& interrupt);

/// What the child exited with; kExitInterrupted after Ctrl-C, kExitError where it did not exit.
int exit_code_of(const ChildEnd& end);

/// `python -m heapwise WORDS…`, on this terminal or with its output captured.
ChildEnd call_python(const Parts& parts, const std::string& python,
                     const std::vector<std::string>& words, bool shares_terminal,
                     Interrupt& interrupt);

/// The same with the interpreter chosen and its exit code as the result; kExitError where there was
/// none.
int run_python(const Parts& parts, const std::vector<std::string>& words, Interrupt& interrupt);

}  // namespace heapwise

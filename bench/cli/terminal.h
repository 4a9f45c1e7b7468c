// Standard error for people: colours only where they are wanted and seen.
#pragma once

#include <cstddef>
#include <string>

namespace heapwise {

/// Whether to colour what goes to that descriptor: a terminal, and NO_COLOR is not set.
bool uses_colour(int descriptor);

/// How wide its lines may be: the terminal's width within reason, 100 where there is no terminal.
std::size_t columns_of(int descriptor);

/// How many lines its screen has, 24 where there is no terminal.
std::size_t rows_of(int descriptor);

/// `heapwise: error: …` on standard error.
void print_error(const std::string& message);

/// A line on standard error: what is being done, where the result is, what to do next.
void print_note(const std::string& message);

}  // namespace heapwise

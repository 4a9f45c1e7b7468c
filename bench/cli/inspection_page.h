// An inspection as people read it: who, memory by kind, what happens a second, and what to try
// next.
#pragma once

#include <cstddef>
#include <string>

#include "bench/inspect/advice.h"
#include "bench/inspect/inspection.h"

namespace heapwise {

struct PageFormat {
  std::size_t columns = 100;
  bool has_colour = false;
};

/// The whole page.
std::string inspection_page(const Inspection& inspection, const std::vector<Advice>& advice,
                            const PageFormat& format);

/// One look of a watch as a line, and the heading above such lines.
std::string watch_heading();
std::string watch_line(const Inspection& inspection);

/// The first `lines` of a text: what fits on a screen.
std::string first_lines(const std::string& text, std::size_t lines);

}  // namespace heapwise

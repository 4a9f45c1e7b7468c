// Standard output for people: headings, and texts that hang behind a head, in lines that fit.
#pragma once

#include <cstddef>
#include <string>

namespace heapwise {

/// A text behind a head, in lines of so many columns; its further lines begin below it. Ends with a
/// newline. A word that is longer than a line stands alone on one.
std::string hanging_text(const std::string& head, const std::string& sentence, std::size_t columns);

class Page {
 public:
  Page();

  /// Behind an empty line, but for the first.
  void print_heading(const std::string& heading);

  /// A text behind a head; its further lines begin below it.
  void print_hanging(const std::string& head, const std::string& sentence) const;

  /// The text in a colour of the terminal (SGR, e.g. "32"), or as it is where there are none.
  std::string coloured(const std::string& text, const char* colour) const;

 private:
  std::size_t columns_;
  bool has_colour_;
  bool is_empty_ = true;
};

}  // namespace heapwise

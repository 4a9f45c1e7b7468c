#include "bench/cli/page.h"

#include <fmt/format.h>
#include <unistd.h>

#include <sstream>

#include "bench/cli/terminal.h"

namespace heapwise {
namespace {

/// Columns that a text takes; what sets colours takes none.
std::size_t width_of(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033')
      i = text.find('m', i);
    else if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U)
      ++width;  // a letter's first byte
  }
  return width;
}

}  // namespace

std::string hanging_text(const std::string& head, const std::string& sentence,
                         std::size_t columns) {
  std::istringstream words(sentence);
  const auto indent = width_of(head);
  std::string text;
  std::string line = head;
  std::size_t width = indent;
  bool is_fresh = true;
  for (std::string word; words >> word; is_fresh = false) {
    if (!is_fresh && width + 1 + width_of(word) > columns) {
      text += line + "\n";
      line = std::string(indent, ' ');
      width = indent;
      is_fresh = true;
    }
    line += (is_fresh ? "" : " ") + word;
    width += (is_fresh ? 0 : 1) + width_of(word);
  }
  return text + line + "\n";
}

Page::Page() : columns_(columns_of(STDOUT_FILENO)), has_colour_(uses_colour(STDOUT_FILENO)) {}

void Page::print_heading(const std::string& heading) {
  fmt::print("{}{}\n", is_empty_ ? "" : "\n", coloured(heading, "1"));
  is_empty_ = false;
}

void Page::print_hanging(const std::string& head, const std::string& sentence) const {
  fmt::print("{}", hanging_text(head, sentence, columns_));
}

std::string Page::coloured(const std::string& text, const char* colour) const {
  return has_colour_ ? fmt::format("\033[{}m{}\033[0m", colour, text) : text;
}

}  // namespace heapwise

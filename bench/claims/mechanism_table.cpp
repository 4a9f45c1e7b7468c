// The table of mechanisms for a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "bench/claims/mechanisms.h"

namespace heapwise {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLabelColumns = 30;
constexpr std::size_t kNarrowestCell = 10;
constexpr std::size_t kWidestCell = 20;

using Texts = std::vector<std::string>;

std::string text(const Json& object, const char* key) {
  return object.at(key).get<std::string>();
}

/// How many columns a text takes: UTF-8 has further bytes of a letter as 10xxxxxx.
std::size_t columns_of(const std::string& words) {
  constexpr unsigned kHighBits = 0xC0;
  constexpr unsigned kFurther = 0x80;
  return static_cast<std::size_t>(std::ranges::count_if(
      words, [](char byte) { return (static_cast<unsigned char>(byte) & kHighBits) != kFurther; }));
}

std::string padded(const std::string& words, std::size_t width) {
  const auto taken = columns_of(words);
  return taken < width ? words + std::string(width - taken, ' ') : words;
}

/// In lines of that width, parted at blanks; a word that is longer stands alone.
Texts wrapped(const std::string& words, std::size_t width) {
  Texts lines{""};
  std::istringstream stream(words);
  for (std::string word; stream >> word;) {
    auto& line = lines.back();
    if (line.empty()) {
      line = word;
    } else if (columns_of(line) + 1 + columns_of(word) <= width) {
      line += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

/// A label and a cell for each allocator that stands in this table.
struct Row {
  std::string label;
  Texts cells;
};

class Grid {
 public:
  Grid(std::size_t cell_width) : cell_width_(cell_width) {}

  void add(const Row& row) {
    std::vector<Texts> parts{wrapped(row.label, kLabelColumns)};
    for (const auto& cell : row.cells) parts.push_back(wrapped(cell, cell_width_));
    std::size_t height = 0;
    for (const auto& part : parts) height = std::max(height, part.size());
    for (std::size_t line = 0; line < height; ++line) add_line(parts, line);
  }

  void add_rule(std::size_t cells) {
    output_ += std::string(kLabelColumns + cells * (kGap + cell_width_), '-') + "\n";
  }

  void add_text(const std::string& words, std::size_t cells) {
    for (const auto& line : wrapped(words, kLabelColumns + cells * (kGap + cell_width_)))
      output_ += line + "\n";
  }

  const std::string& output() const { return output_; }

 private:
  void add_line(const std::vector<Texts>& parts, std::size_t line) {
    std::string whole;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto width = i == 0 ? kLabelColumns : cell_width_;
      whole += (i == 0 ? "" : std::string(kGap, ' ')) +
               padded(line < parts[i].size() ? parts[i][line] : "", width);
    }
    whole.erase(whole.find_last_not_of(' ') + 1);
    output_ += whole + "\n";
  }

  std::size_t cell_width_;
  std::string output_;
};

std::string cell_of(const Json& cells, const std::string& spec) {
  return cells.contains(spec) ? cells.at(spec).get<std::string>() : "missing";
}

Row row_of(const std::string& label, const Json& cells, const Texts& specs) {
  Row row{.label = label};
  for (const auto& spec : specs) row.cells.push_back(cell_of(cells, spec));
  return row;
}

void add_every_line(Grid& grid, const Json& mechanism, const Texts& specs) {
  grid.add_text("", specs.size());
  grid.add_text(text(mechanism, "title"), specs.size());
  grid.add_text("(" + text(mechanism, "how") + ")", specs.size());
  for (const auto& line : mechanism.at("lines"))
    grid.add(row_of(text(line, "label"), line.at("cells"), specs));
  for (const auto& note : mechanism.at("notes"))
    grid.add_text(note.get<std::string>(), specs.size());
}

std::string grid_of(const Json& document, const Texts& specs, std::size_t cell_width,
                    bool every_line) {
  Grid grid(cell_width);
  grid.add({.label = "", .cells = specs});
  grid.add_rule(specs.size());
  for (const auto& mechanism : document.at("mechanisms")) {
    if (every_line) {
      add_every_line(grid, mechanism, specs);
    } else {
      grid.add(row_of(text(mechanism, "title"), mechanism.at("summary"), specs));
      grid.add_text("", specs.size());
    }
  }
  return grid.output();
}

/// How many allocators stand in a table, and how wide each: as few tables as the width allows, of
/// about as many columns each.
struct Measures {
  std::size_t allocators = 1;
  std::size_t cell_width = kNarrowestCell;
};

Measures measures_of(std::size_t columns, std::size_t allocators) {
  const auto room = columns > kLabelColumns ? columns - kLabelColumns : 0;
  const auto most = std::max<std::size_t>(room / (kNarrowestCell + kGap), 1);
  const auto tables = std::max<std::size_t>((allocators + most - 1) / most, 1);
  const auto together = std::max<std::size_t>((allocators + tables - 1) / tables, 1);
  const auto each = room / together;
  return {together, std::clamp(each > kGap ? each - kGap : 0, kNarrowestCell, kWidestCell)};
}

}  // namespace

std::string mechanisms_table(const Json& document, std::size_t columns, bool every_line) {
  Texts specs;
  for (const auto& allocator : document.at("allocators")) specs.push_back(text(allocator, "spec"));
  const auto [together, cell_width] = measures_of(columns, specs.size());
  std::string output;
  for (std::size_t first = 0; first < specs.size(); first += together) {
    const auto last = std::min(first + together, specs.size());
    const Texts shown(specs.begin() + static_cast<std::ptrdiff_t>(first),
                      specs.begin() + static_cast<std::ptrdiff_t>(last));
    output += (first == 0 ? "" : "\n") + grid_of(document, shown, cell_width, every_line);
  }
  for (const auto& allocator : document.at("allocators")) {
    if (const auto missing = text(allocator, "missing"); !missing.empty()) {
      output += fmt::format("missing: {}: {}\n", text(allocator, "spec"), missing);
    }
  }
  return output;
}

}  // namespace heapwise

#include "bench/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace heapwise {

bool uses_colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(descriptor) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

std::size_t columns_of(int descriptor) {
  constexpr std::size_t kWithoutTerminal = 100;
  constexpr std::size_t kNarrowest = 60;
  constexpr std::size_t kWidest = 120;
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWithoutTerminal;
  return std::clamp<std::size_t>(size.ws_col, kNarrowest, kWidest);
}

std::size_t rows_of(int descriptor) {
  constexpr std::size_t kWithoutTerminal = 24;
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return kWithoutTerminal;
  return size.ws_row;
}

void print_error(const std::string& message) {
  const char* format =
      uses_colour(STDERR_FILENO) ? "heapwise: \033[31merror:\033[0m %s\n" : "heapwise: error: %s\n";
  std::fprintf(stderr, format, message.c_str());
}

void print_note(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
}

}  // namespace heapwise

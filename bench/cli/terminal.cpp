#include "bench/cli/terminal.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace heapwise {

bool uses_colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(descriptor) == 1 && (no_colour == nullptr || *no_colour == '\0');
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

// heapwise-experiment NAME [ARGUMENT...]: one experiment in a fresh C process. `heapwise claims`
// runs them; by hand they print the same lines (report.h).
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"

namespace heapwise {
namespace {

constexpr int kWrongArguments = 2;

void print(const char* words) {
  if (write(STDERR_FILENO, words, strlen(words)) < 0) _exit(EXIT_FAILURE);
}

int print_help(int exit_code) {
  print(
      "usage: heapwise-experiment NAME [ARGUMENT...]\n\nOne experiment with malloc in a fresh "
      "process:\n");
  for (const Experiment* each = kExperiments; each->name != nullptr; ++each) {
    print("  ");
    print(each->name);
    print(": ");
    print(each->does);
    print("\n");
  }
  return exit_code;
}

int run(int argc, char** argv) {
  if (argc < 2) return print_help(kWrongArguments);
  if (strcmp(argv[1], "--help") == 0) return print_help(EXIT_SUCCESS);
  for (const Experiment* each = kExperiments; each->name != nullptr; ++each) {
    if (strcmp(each->name, argv[1]) != 0) continue;
    Report report;
    report.prepare();
    each->run(report, {argc - 2, argv + 2});
    report.text("ended", each->name);  // tells the parent that nothing cut it short
    return EXIT_SUCCESS;
  }
  print("heapwise-experiment: there is no experiment of that name; see --help\n");
  return kWrongArguments;
}

}  // namespace

std::int64_t Arguments::number(int position, std::int64_t otherwise) const {
  return position < count_ ? strtoll(words_[position], nullptr, 0) : otherwise;
}

}  // namespace heapwise

int main(int argc, char** argv) {
  return heapwise::run(argc, argv);
}

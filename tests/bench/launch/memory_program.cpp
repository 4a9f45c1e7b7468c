// A program whose use of memory is known: maps BYTES and touches TOUCHED of them, page by page, on
// small pages. Exit code 3 when the mapping is refused.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr int kRefused = 3;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fputs("usage: memory_program BYTES TOUCHED\n", stderr);
    return 64;
  }
  const auto bytes = strtoul(argv[1], nullptr, 10);
  const auto touched = strtoul(argv[2], nullptr, 10);
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return kRefused;
  madvise(mapped, bytes, MADV_NOHUGEPAGE);
  const auto page = static_cast<unsigned long>(getpagesize());
  for (unsigned long offset = 0; offset < touched; offset += page) {
    static_cast<volatile char*>(mapped)[offset] = 1;
  }
  return 0;
}

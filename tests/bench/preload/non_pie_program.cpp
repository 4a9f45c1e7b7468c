// Built without position independence and taking malloc's address in code: such a program has a PLT
// entry that every object of the process takes for malloc itself, as in Debian's python3.
#include <stdlib.h>

#include <cstddef>

int main() {
  void* (*volatile allocate)(std::size_t) = &malloc;
  void* volatile object = allocate(10);
  free(object);
  return object == nullptr ? 1 : 0;
}

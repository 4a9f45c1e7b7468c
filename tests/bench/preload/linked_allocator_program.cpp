// Linked with an allocator by its build, as Debian's redis-server is.
#include <stdlib.h>

int main() {
  void* volatile object = malloc(10);
  free(object);
  return object == nullptr ? 1 : 0;
}

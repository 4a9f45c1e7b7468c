// What malloc and its family answer to requests at the edge of sense.
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

struct Answer {
  const void* pointer = nullptr;
  int error = 0;              // errno, or what posix_memalign returned
  bool is_untouched = false;  // of realloc: the old object is still there
};

// The sizes go through unknown memory: a compiler knows that some of these requests cannot be met.
volatile std::size_t most_bytes = PTRDIFF_MAX;
volatile std::size_t half_of_all = SIZE_MAX / 2 + 1;
volatile std::size_t nothing = 0;

void malloc_zero(Answer& answer) {
  answer.pointer = malloc(nothing);
}

/// realloc(p, 0) may free p and give NULL, give an object of no size, or give NULL and keep p.
void realloc_zero(Answer& answer) {
  answer.pointer = realloc(unknown(malloc(100)), nothing);
}

void realloc_null(Answer& answer) {
  answer.pointer = realloc(nullptr, 100);
}

void malloc_most(Answer& answer) {
  answer.pointer = malloc(most_bytes);
}

void realloc_most(Answer& answer) {
  auto* const object = static_cast<volatile char*>(unknown(malloc(100)));
  object[99] = 7;
  answer.pointer = realloc(const_cast<char*>(object), most_bytes);
  answer.is_untouched = answer.pointer == nullptr && object[99] == 7;
}

void calloc_overflow(Answer& answer) {
  answer.pointer = calloc(half_of_all, 2);
}

void calloc_zero(Answer& answer) {
  answer.pointer = calloc(nothing, 100);
}

void posix_memalign_with(std::size_t alignment, Answer& answer) {
  void* object = nullptr;
  const int error = posix_memalign(&object, alignment, 100);
  answer.pointer = error == 0 ? object : nullptr;
  errno = error;
}

void posix_memalign_3(Answer& answer) {
  posix_memalign_with(3 + nothing, answer);
}
void posix_memalign_24(Answer& answer) {
  posix_memalign_with(24 + nothing, answer);
}
void posix_memalign_4(Answer& answer) {
  posix_memalign_with(4 + nothing, answer);
}

void aligned_alloc_other_size(Answer& answer) {
  answer.pointer = aligned_alloc(64 + nothing, 100);
}
void aligned_alloc_24(Answer& answer) {
  answer.pointer = aligned_alloc(24 + nothing, 48);
}
void memalign_24(Answer& answer) {
  answer.pointer = memalign(24 + nothing, 48);
}

struct Edge {
  const char* name;
  const char* label;
  void (*ask)(Answer& answer);
};

constexpr Edge kEdges[] = {
    {"malloc_zero", "malloc(0)", malloc_zero},
    {"calloc_zero", "calloc(0, 100)", calloc_zero},
    {"realloc_zero", "realloc(p, 0)", realloc_zero},
    {"realloc_null", "realloc(NULL, 100)", realloc_null},
    {"malloc_most", "malloc(PTRDIFF_MAX)", malloc_most},
    {"realloc_most", "realloc(p, PTRDIFF_MAX)", realloc_most},
    {"calloc_overflow", "calloc(SIZE_MAX / 2 + 1, 2)", calloc_overflow},
    {"posix_memalign_3", "posix_memalign(&p, 3, 100)", posix_memalign_3},
    {"posix_memalign_4", "posix_memalign(&p, 4, 100)", posix_memalign_4},
    {"posix_memalign_24", "posix_memalign(&p, 24, 100)", posix_memalign_24},
    {"aligned_alloc_other_size", "aligned_alloc(64, 100)", aligned_alloc_other_size},
    {"aligned_alloc_24", "aligned_alloc(24, 48)", aligned_alloc_24},
    {"memalign_24", "memalign(24, 48)", memalign_24},
};

void ask(const Edge& edge, Answer& answer) {
  errno = 0;
  edge.ask(answer);
  answer.error = errno;
}

/// "pointer", "NULL", "NULL, ENOMEM".
void put_words(const Answer& answer, char* words, std::size_t capacity) {
  if (answer.pointer != nullptr) {
    snprintf(words, capacity, "pointer");
  } else if (answer.error == 0) {
    snprintf(words, capacity, "NULL");
  } else {
    const char* const name = strerrorname_np(answer.error);
    snprintf(words, capacity, "NULL, %s", name != nullptr ? name : "?");
  }
}

}  // namespace

/// Tells, by the request's name, "pointer", "NULL", "NULL, ENOMEM" (errno, or what posix_memalign
/// returned) or how the process ended, and NAME_message, what was written to standard error;
/// realloc_keeps_object: whether a refused realloc left the object as it was.
void mechanism_edges(Report& report, const Arguments&) {
  auto& answer = *static_cast<Answer*>(shared_memory(report, sizeof(Answer)));
  report.step("at the start");
  for (const Edge& edge : kEdges) {
    answer = {};
    const TrialEnd end = try_in_fork([&] { ask(edge, answer); });
    char words[64];
    put_words(answer, words, sizeof words);
    tell_end(report, edge.name, end, words);
    report.step(edge.label);
    if (edge.ask == realloc_most) report.value("realloc_keeps_object", answer.is_untouched);
  }
}

}  // namespace heapwise

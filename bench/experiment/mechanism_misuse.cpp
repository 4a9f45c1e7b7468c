// What becomes of mistakes: freed twice, freed inside an object, written past the end, read after
// free. Each in a process of its own.
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "bench/experiment/experiment.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::size_t kSize = 64;
constexpr std::size_t kLargeSize = std::size_t{1} << 20;
constexpr int kObjects = 1000;
constexpr unsigned char kMark = 0xA7;

/// What a mistake led to that did not end the process.
struct Seen {
  bool same_twice = false;  // two objects that both live are one
  std::int64_t unchanged_bytes = 0;
  bool was_read = false;
};

using Object = unsigned char;

Object* make(std::size_t size) {
  auto* const object = static_cast<Object*>(unknown(malloc(size)));
  if (object == nullptr) _exit(EXIT_FAILURE);
  memset(object, kMark, size);
  return object;
}

/// Objects of the size that live on, as in any program: a heap with nothing in it is a special
/// case.
void make_company(std::size_t size) {
  constexpr int kCompany = 50;
  for (int i = 0; i < kCompany; ++i) make(size);
}

/// Whether any two of them share a byte. Puts them in order.
bool overlap(Object** objects, int count, std::size_t size) {
  std::sort(objects, objects + count);
  for (int i = 0; i + 1 < count; ++i) {
    if (objects[i] + size > objects[i + 1]) return true;
  }
  return false;
}

/// Goes on allocating objects of the size, and tells whether any of them share a byte with each
/// other or with `live`: a few before anything is written to them, which may be the end of it, then
/// many that are filled, and freed when they are apart.
bool gives_twice(std::size_t size, Object* live = nullptr) {
  constexpr int kFew = 4;
  static Object* objects[kObjects + kFew + 1];
  int count = 0;
  if (live != nullptr) objects[count++] = live;
  for (int i = 0; i < kFew; ++i) objects[count++] = static_cast<Object*>(unknown(malloc(size)));
  if (overlap(objects, count, size)) return true;
  for (int i = 0; i < kObjects; ++i) objects[count++] = make(size);
  if (overlap(objects, count, size)) return true;  // and freeing them would be another mistake
  for (int i = 0; i < count; ++i) {
    if (objects[i] != live) free(objects[i]);
  }
  return false;
}

void double_free(Seen& seen) {
  make_company(kSize);
  Object* const object = make(kSize);
  free(object);
  free(unknown(object));
  seen.same_twice = gives_twice(kSize);
}

void double_free_later(Seen& seen) {
  make_company(kSize);
  Object* const first = make(kSize);
  Object* const second = make(kSize);
  free(first);
  free(second);
  free(unknown(first));
  seen.same_twice = gives_twice(kSize);
}

void double_free_large(Seen& seen) {
  Object* const object = make(kLargeSize);
  free(object);
  free(unknown(object));
  const Object* const first = unknown(static_cast<Object*>(malloc(kLargeSize)));
  seen.same_twice = first == unknown(static_cast<Object*>(malloc(kLargeSize)));
}

void interior_free(Seen& seen) {
  make_company(kSize);
  Object* const object = make(kSize);
  free(unknown(object + kSize / 4));
  seen.same_twice = gives_twice(kSize, object);
}

void foreign_free(Seen& seen) {
  alignas(kSize) static Object never_allocated[2 * kSize];
  free(unknown(never_allocated + kSize));
  seen.same_twice = gives_twice(kSize);
}

/// Sixteen bytes past what is usable, amid objects of the same size that are freed afterwards.
void write_past_end(Seen& seen) {
  constexpr std::size_t kBeyond = 16;
  static Object* neighbours[kObjects];
  for (auto& neighbour : neighbours) neighbour = make(kSize);
  Object* const object = neighbours[kObjects / 2];
  memset(unknown(object + std::max(kSize, malloc_usable_size(object))), kMark, kBeyond);
  for (Object* const neighbour : neighbours) free(neighbour);
  seen.same_twice = gives_twice(kSize);
}

void read_after_free_of(std::size_t size, Seen& seen) {
  Object* const object = make(size);
  free(object);
  const Object* const stale = unknown(object);
  seen.unchanged_bytes = std::count(stale, stale + size, kMark);
  seen.was_read = true;
}

void read_after_free(Seen& seen) {
  read_after_free_of(kSize, seen);
}
void read_after_free_large(Seen& seen) {
  read_after_free_of(kLargeSize, seen);
}

struct Mistake {
  const char* name;
  const char* label;
  void (*make)(Seen& seen);
};

constexpr Mistake kMistakes[] = {
    {"double_free", "free(p), free(p)", double_free},
    {"double_free_later", "free(p), free(q), free(p)", double_free_later},
    {"double_free_large", "free(p), free(p) of 1 MiB", double_free_large},
    {"interior_free", "free(p + 16)", interior_free},
    {"foreign_free", "free of a static array's middle", foreign_free},
    {"write_past_end", "16 bytes past the end of 64, then free", write_past_end},
    {"read_after_free", "64 bytes read after free", read_after_free},
    {"read_after_free_large", "1 MiB read after free", read_after_free_large},
};

const char* word_of(const Seen& seen) {
  if (seen.same_twice) return "given twice";
  return seen.was_read ? "read" : "nothing";
}

}  // namespace

/// Tells, by the mistake's name, what came of it: "abort", "SIGSEGV", "hang" or, where the process
/// went on, "nothing", "given twice" (two live objects share bytes) or "read" (with
/// NAME_unchanged_bytes); NAME_message is what was written to standard error.
void mechanism_misuse(Report& report, const Arguments&) {
  auto& seen = *static_cast<Seen*>(shared_memory(report, sizeof(Seen)));
  report.step("at the start");
  for (const Mistake& mistake : kMistakes) {
    seen = {};
    const TrialEnd end = try_in_fork([&] { mistake.make(seen); });
    tell_end(report, mistake.name, end, word_of(seen));
    if (seen.was_read) {
      char name[64];
      stpcpy(stpcpy(name, mistake.name), "_unchanged_bytes");
      report.value(name, seen.unchanged_bytes);
    }
    report.step(mistake.label);
  }
}

}  // namespace heapwise

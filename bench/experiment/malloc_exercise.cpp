// A little of everything that malloc promises, in two threads, with each block's content checked:
// whatever library answers must keep it.
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench/experiment/experiment.h"

namespace heapwise {
namespace {

constexpr int kSlots = 256;
constexpr int kRounds = 4000;
constexpr int kLargestShift = 17;  // blocks of up to 128 KiB
constexpr std::size_t kAlignment = 16;
constexpr std::size_t kPageAlignment = 4096;

struct Slot {
  unsigned char* bytes;
  std::size_t size;
  unsigned char mark;
};

/// One thread's blocks and what was found wrong with them.
struct Exercise {
  Slot slots[kSlots];
  std::uint64_t random;
  std::int64_t blocks_count;
  std::int64_t failed_count;
  std::int64_t damaged_count;
  std::int64_t misaligned_count;

  std::uint64_t next_random() {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
  }
};

bool is_intact(const Slot& slot) {
  return slot.bytes[0] == slot.mark && slot.bytes[slot.size / 2] == slot.mark &&
         slot.bytes[slot.size - 1] == slot.mark;
}

bool is_zero(const unsigned char* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

void release(Exercise& exercise, Slot& slot) {
  if (slot.bytes == nullptr) return;
  if (!is_intact(slot)) ++exercise.damaged_count;
  free(slot.bytes);
  slot.bytes = nullptr;
}

/// By malloc, calloc or aligned_alloc in turn.
unsigned char* allocate(Exercise& exercise, std::size_t size) {
  const auto turn = exercise.blocks_count++ % 8;
  void* block = nullptr;
  if (turn == 0) {
    block = calloc(1, size);
    if (block != nullptr && !is_zero(static_cast<unsigned char*>(block), size))
      ++exercise.damaged_count;
  } else if (turn == 1) {
    block = aligned_alloc(kPageAlignment,
                          (size + kPageAlignment - 1) / kPageAlignment * kPageAlignment);
  } else {
    block = malloc(size);
  }
  const std::size_t alignment = turn == 1 ? kPageAlignment : size >= kAlignment ? kAlignment : 1;
  if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) ++exercise.misaligned_count;
  return static_cast<unsigned char*>(block);
}

void grow(Exercise& exercise, Slot& slot) {
  void* const bytes = realloc(slot.bytes, slot.size * 2);
  if (bytes == nullptr) {
    ++exercise.failed_count;
    return;
  }
  slot.bytes = static_cast<unsigned char*>(bytes);
  if (!is_intact(slot)) ++exercise.damaged_count;
  slot.size *= 2;
  memset(slot.bytes, slot.mark, slot.size);
}

void replace(Exercise& exercise, Slot& slot) {
  release(exercise, slot);
  const std::size_t ceiling = std::size_t{1} << (exercise.next_random() % kLargestShift + 1);
  slot.size = exercise.next_random() % ceiling + 1;
  slot.mark = static_cast<unsigned char>(exercise.next_random());
  slot.bytes = allocate(exercise, slot.size);
  if (slot.bytes == nullptr) {
    ++exercise.failed_count;
    return;
  }
  memset(slot.bytes, slot.mark, slot.size);
  if (exercise.blocks_count % 4 == 0) grow(exercise, slot);
}

void* run_exercise(void* argument) {
  auto& exercise = *static_cast<Exercise*>(argument);
  for (int i = 0; i < kRounds; ++i) {
    replace(exercise, exercise.slots[exercise.next_random() % kSlots]);
  }
  return nullptr;
}

void release_all(Exercise& exercise) {
  for (Slot& slot : exercise.slots) release(exercise, slot);
}

/// The file of the object that answers malloc, links resolved.
void tell_library(Report& report) {
  Dl_info owner{};
  char path[PATH_MAX];
  dladdr(reinterpret_cast<void*>(&malloc), &owner);
  const char* const name = owner.dli_fname != nullptr ? owner.dli_fname : "";
  report.text("malloc_library", realpath(name, path) != nullptr ? path : name);
}

}  // namespace

/// Arguments: the allocator's name and its library's path, told back as allocator and
/// asked_library. Tells: malloc_library, the object that answers; blocks_count, failed_count,
/// damaged_count and misaligned_count of two threads. The second one's blocks are freed by the
/// first.
void malloc_exercise(Report& report, const Arguments& arguments) {
  static Exercise own{.random = 88172645463325252ULL};
  static Exercise other{.random = 2463534242ULL};
  report.text("allocator", arguments.word(0, "-"));
  report.text("asked_library", arguments.word(1, "-"));
  report.step("at the start");
  pthread_t thread{};
  if (pthread_create(&thread, nullptr, run_exercise, &other) != 0) report.refuse("a second thread");
  run_exercise(&own);
  pthread_join(thread, nullptr);
  report.step("two threads with 4,000 blocks each", own.slots[0].bytes);
  release_all(other);
  release_all(own);
  report.step("all freed");
  tell_library(report);
  report.value("blocks_count", own.blocks_count + other.blocks_count);
  report.value("failed_count", own.failed_count + other.failed_count);
  report.value("damaged_count", own.damaged_count + other.damaged_count);
  report.value("misaligned_count", own.misaligned_count + other.misaligned_count);
}

}  // namespace heapwise

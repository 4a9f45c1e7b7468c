// What happens when the system gives no more memory: RLIMIT_AS, as `ulimit -v` sets it.
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/own_memory.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::int64_t kRoomBytes = std::int64_t{256} << 20;
constexpr std::int64_t kMostBytes = 2 * kRoomBytes;  // what is given beyond was reserved before
constexpr int kMilliseconds = 10'000;
constexpr std::size_t kBlockSizes[] = {1000, std::size_t{1} << 20};
constexpr std::size_t kStartLimitsMib[] = {256, 1024, 4096};

struct Block {
  Block* next;
};

struct Outcome {
  std::int64_t got_bytes = 0;
  int refused_errno = 0;
  bool was_refused = false;
  bool after_one_free = false;  // malloc of the size works again
  bool after_all_freed = false;
};

void limit_addresses(std::int64_t bytes) {
  const rlimit limit{.rlim_cur = static_cast<rlim_t>(bytes),
                     .rlim_max = static_cast<rlim_t>(bytes)};
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(EXIT_FAILURE);
}

void exhaust(std::size_t size, Outcome& outcome) {
  free(unknown(malloc(size)));
  limit_addresses(read_vsz_bytes() + kRoomBytes);
  Block* last = nullptr;
  while (outcome.got_bytes < kMostBytes) {
    errno = 0;
    auto* const block = static_cast<Block*>(unknown(malloc(size)));
    if (block == nullptr) {
      outcome.refused_errno = errno;
      outcome.was_refused = true;
      break;
    }
    block->next = last;
    last = block;
    outcome.got_bytes += static_cast<std::int64_t>(size);
  }
  Block* const freed = last;
  if (freed == nullptr) return;
  last = freed->next;
  free(freed);
  auto* const again = static_cast<Block*>(unknown(malloc(size)));
  outcome.after_one_free = again != nullptr;
  free(again);
  while (last != nullptr) {
    Block* const next = last->next;
    free(last);
    last = next;
  }
  outcome.after_all_freed = unknown(malloc(size)) != nullptr;
}

void tell_outcome(Report& report, std::size_t size, const TrialEnd& end, const Outcome& outcome) {
  char name[64];
  const auto tell = [&](const char* figure, std::int64_t value) {
    snprintf(name, sizeof name, "blocks_of_%zu_%s", size, figure);
    report.value(name, value);
  };
  tell("got_bytes", outcome.got_bytes);
  tell("after_one_free", outcome.after_one_free);
  tell("after_all_freed", outcome.after_all_freed);
  char words[64] = "not refused";
  const char* const error = strerrorname_np(outcome.refused_errno);
  if (outcome.was_refused && outcome.refused_errno == 0) {
    snprintf(words, sizeof words, "NULL");
  } else if (outcome.was_refused) {
    snprintf(words, sizeof words, "NULL, %s", error != nullptr ? error : "?");
  }
  snprintf(name, sizeof name, "blocks_of_%zu", size);
  tell_end(report, name, end, words);
}

const char* malloc_library() {
  Dl_info owner{};
  dladdr(reinterpret_cast<void*>(&malloc), &owner);
  return owner.dli_fname != nullptr ? owner.dli_fname : "";
}

/// This program once more under the limit, where it mallocs a little.
void start_limited(std::size_t limit_mib) {
  limit_addresses(static_cast<std::int64_t>(limit_mib << 20));
  execl("/proc/self/exe", "heapwise-experiment", "mechanism_start", malloc_library(),
        static_cast<char*>(nullptr));
  _exit(EXIT_FAILURE);
}

}  // namespace

/// Does nothing but malloc and free a little: started by mechanism_exhaustion. Argument: the
/// library that is to answer malloc; where another does, because the loader could not map it, it
/// exits with 3. Tells nothing.
void mechanism_start(Report&, const Arguments& arguments) {
  constexpr int kOtherMalloc = 3;
  if (strcmp(malloc_library(), arguments.word(0, malloc_library())) != 0) _exit(kOtherMalloc);
  for (std::size_t size = 1; size <= std::size_t{1} << 20; size *= 2) {
    void* const object = unknown(malloc(size));
    if (object == nullptr) _exit(EXIT_FAILURE);
    free(object);
  }
  _exit(EXIT_SUCCESS);
}

/// With RLIMIT_AS at 256 MiB above what is mapped, blocks of each size until malloc refuses. Tells
/// the text blocks_of_N: how that looks, "not refused" at 512 MiB; blocks_of_N_got_bytes,
/// _after_one_free and _after_all_freed: whether malloc works again. Then starts_under_N_mib:
/// whether a process starts and mallocs under so low a limit ("exit 3": the loader left the
/// allocator out).
void mechanism_exhaustion(Report& report, const Arguments&) {
  auto& outcome = *static_cast<Outcome*>(shared_memory(report, sizeof(Outcome)));
  report.step("at the start");
  for (const std::size_t size : kBlockSizes) {
    outcome = {};
    const TrialEnd end = try_in_fork([&] { exhaust(size, outcome); }, kMilliseconds);
    tell_outcome(report, size, end, outcome);
  }
  report.step("malloc until it refuses, under RLIMIT_AS, in forks");
  for (const std::size_t limit : kStartLimitsMib) {
    char name[48];
    snprintf(name, sizeof name, "starts_under_%zu_mib", limit);
    tell_end(report, name, try_in_fork([&] { start_limited(limit); }), "yes");
  }
  report.step("this program started under lower limits");
}

}  // namespace heapwise

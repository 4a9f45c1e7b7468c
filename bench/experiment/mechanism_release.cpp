// When freed memory goes back to the system: at once, with time, with light use, or when asked.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/own_memory.h"
#include "bench/experiment/pages.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::size_t kTotalBytes = std::size_t{256} << 20;
constexpr double kMomentsSeconds[] = {0.1, 0.5, 1, 2, 10};
constexpr std::int64_t kPerSecond = 1'000'000'000;
constexpr std::int64_t kTickNanoseconds = 100'000'000;
constexpr int kTickPairs = 2000;

std::int64_t now_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kPerSecond + now.tv_nsec;
}

void sleep_until(std::int64_t moment) {
  const timespec until{.tv_sec = moment / kPerSecond, .tv_nsec = moment % kPerSecond};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

/// Of many processes that are started together one allocates and frees at a time: what the others
/// measure meanwhile is idle time, and their memory is not all needed at once.
class Turn {
 public:
  Turn() : file_(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) {
    while (flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Turn() { close(file_); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  int file_;
};

struct Block {
  Block* next;
};

/// Allocates kTotalBytes in blocks of that size and writes to each of their pages. They are linked
/// in the order in which they were made.
Block* allocate(Report& report, std::size_t block_bytes) {
  Block* first = nullptr;
  Block** end = &first;
  for (std::size_t made = 0; made < kTotalBytes; made += block_bytes) {
    auto* const block = static_cast<Block*>(malloc(block_bytes));
    if (block == nullptr) report.refuse("malloc of 256 MiB in blocks", strerrordesc_np(errno));
    write_each_page(block, block_bytes);
    *end = block;
    end = &block->next;
  }
  *end = nullptr;
  return first;
}

void free_all(Block* block) {
  while (block != nullptr) {
    Block* const next = block->next;
    free(block);
    block = next;
  }
}

/// Light use: a burst of small objects that live for a moment, of sizes from 100 to 3100 bytes.
void tick(std::uint64_t& state) {
  for (int i = 0; i < kTickPairs; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    free(unknown(malloc(100 + (state >> 33) % 3001)));
  }
}

/// What is gone of what had been taken.
struct Watch {
  Report& report;
  std::int64_t before_bytes;
  std::int64_t full_bytes;

  double percent_now() const {
    const auto held = static_cast<double>(read_residence().held_bytes() - before_bytes);
    return 100 - 100 * held / static_cast<double>(full_bytes - before_bytes);
  }
  void tell(const char* series, double seconds, const char* label) const {
    report.point(series, seconds, percent_now());
    report.step(label);
  }
};

void wait(const Watch& watch, std::int64_t freed_at, bool ticks) {
  std::int64_t next_tick = freed_at + kTickNanoseconds;
  std::uint64_t state = 1;
  for (const double seconds : kMomentsSeconds) {
    const std::int64_t moment = freed_at + static_cast<std::int64_t>(seconds * kPerSecond);
    while (ticks && next_tick <= moment) {
      sleep_until(next_tick);
      tick(state);
      next_tick += kTickNanoseconds;
    }
    sleep_until(moment);
    char label[96];
    snprintf(label, sizeof label, "%g s after the last free%s", seconds,
             ticks ? ", with light use" : ", idle");
    watch.tell("given_back_percent", seconds, label);
  }
}

using Mallctl = int(const char*, void*, std::size_t*, void*, std::size_t);

/// One call of the closed list of allocators/descriptor.h, by its kind's word; false where nothing
/// of that name is loaded or it fails.
bool call(const char* kind, const char* name, int argument) {
  if (strcmp(kind, "mallctl") == 0) {
    auto* const mallctl = reinterpret_cast<Mallctl*>(dlsym(RTLD_DEFAULT, kind));
    return mallctl != nullptr && mallctl(name, nullptr, nullptr, nullptr, 0) == 0;
  }
  void* const function = dlsym(RTLD_DEFAULT, name);
  if (function == nullptr) return false;
  if (strcmp(kind, "size") == 0) {
    reinterpret_cast<int (*)(std::size_t)>(function)(0);
  } else if (strcmp(kind, "boolean") == 0) {
    reinterpret_cast<void (*)(bool)>(function)(true);
  } else if (strcmp(kind, "function") == 0) {
    reinterpret_cast<void (*)()>(function)();
  } else if (strcmp(kind, "command") == 0) {
    reinterpret_cast<int (*)(int, void*)>(function)(argument, nullptr);
  } else if (strcmp(kind, "option") == 0) {
    reinterpret_cast<int (*)(int, int)>(function)(argument, 0);
  } else {
    return false;
  }
  return true;
}

}  // namespace

/// Arguments: bytes of a block (64); `idle` or `ticks`: a burst of 2000 mallocs and frees every
/// 100 ms; how to ask for the release: KIND NAME ARGUMENT [FLUSH], or nothing. 256 MiB of blocks
/// are written to and freed in the order in which they were made. Tells given_back_percent of the
/// growth of RSS over the seconds since the last free, 0: at once; after_release_percent, where the
/// call exists.
void mechanism_release(Report& report, const Arguments& arguments) {
  const auto block_bytes = static_cast<std::size_t>(arguments.number(0, 64));
  const bool ticks = strcmp(arguments.word(1, "idle"), "ticks") == 0;
  Watch watch{report, 0, 0};
  std::int64_t freed_at = 0;
  {
    const Turn turn;
    report.step("at the start");
    watch.before_bytes = read_residence().rss_bytes;
    Block* const blocks = allocate(report, block_bytes);
    report.step("256 MiB allocated and written to", blocks);
    watch.full_bytes = read_residence().rss_bytes;
    free_all(blocks);
    freed_at = now_nanoseconds();
    watch.tell("given_back_percent", 0, "all freed");
  }
  report.value("grown_bytes", watch.full_bytes - watch.before_bytes);
  wait(watch, freed_at, ticks);
  const char* const kind = arguments.word(2, "");
  const int argument = static_cast<int>(arguments.number(4, 0));
  const char* const flush = arguments.word(5, "");
  if (flush[0] != '\0') call(kind, flush, argument);
  if (kind[0] != '\0' && call(kind, arguments.word(3, ""), argument)) {
    watch.tell("after_release_percent", 0, "the release was asked for");
  }
}

}  // namespace heapwise

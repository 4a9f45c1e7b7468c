// How much has to lie free at the top of the heap before free gives it back, found by trying: each
// attempt in a child process with a heap of its own.
#include <malloc.h>
#include <stdlib.h>

#include "bench/experiment/chunk.h"
#include "bench/experiment/experiment.h"
#include "bench/experiment/in_fork.h"

namespace heapwise {
namespace {

constexpr std::size_t kChunkStepBytes = 2 * kWordBytes;
constexpr std::size_t kSmallestChunkBytes = 4 * kWordBytes;  // also what must stay of the top
constexpr std::size_t kUncachedChunkBytes = 1056;  // just too large for the thread's cache
constexpr std::size_t kUncachedBytes = request_for_chunk(kUncachedChunkBytes);
constexpr std::size_t kBlockBytes = 2000;
constexpr std::int64_t kRaisingBytes = 4 << 20;
constexpr std::int64_t kPadBytes = 1 << 20;

/// The top, with the freed block merged into it, and how far brk went down.
struct TopAtFree {
  std::int64_t top_bytes;
  std::int64_t returned_bytes;
};

/// `block` is the last one below the top.
TopAtFree free_at_top(void* block) {
  const char* const end = end_of_heap();
  const std::int64_t top_bytes = end - begin_of_chunk(block);
  free(block);
  return {.top_bytes = top_bytes, .returned_bytes = end - end_of_heap()};
}

/// On a heap of the first size: takes from its top in two blocks until `rest_bytes` are left.
void leave_of_top(std::size_t rest_bytes) {
  constexpr std::size_t kHalf = 60'000;
  void* const first = malloc(kHalf);
  if (first == nullptr) return;
  const auto left_bytes = static_cast<std::size_t>(end_of_heap() - end_of_chunk(first));
  if (left_bytes < rest_bytes + kUncachedChunkBytes) return;
  void* const second = malloc(request_for_chunk(left_bytes - rest_bytes));
  if (second == nullptr) return;
}

/// Limits on both sides, by all that was tried.
class Boundary {
 public:
  explicit Boundary(Report& report) : report_(report) {}

  void add(const TopAtFree& at_free) {
    report_.point("returned_by_top_bytes", static_cast<double>(at_free.top_bytes),
                  static_cast<double>(at_free.returned_bytes));
    ++tried_count_;
    if (at_free.returned_bytes == 0) {
      largest_kept_bytes_ = larger(largest_kept_bytes_, at_free.top_bytes);
      return;
    }
    const std::int64_t rest = at_free.top_bytes - at_free.returned_bytes;
    smallest_returned_bytes_ = smaller(smallest_returned_bytes_, at_free.top_bytes);
    smallest_rest_bytes_ = smaller(smallest_rest_bytes_, rest);
    largest_rest_bytes_ = larger(largest_rest_bytes_, rest);
  }

  void tell() {
    report_.value("tops_tried_count", tried_count_);
    report_.value("largest_kept_top_bytes", largest_kept_bytes_);
    report_.value("smallest_returned_top_bytes", smallest_returned_bytes_);
    report_.value("smallest_rest_bytes", smallest_rest_bytes_);
    report_.value("largest_rest_bytes", largest_rest_bytes_);
  }

 private:
  static std::int64_t larger(std::int64_t one, std::int64_t other) {
    return one > other ? one : other;
  }
  /// 0 stands for none so far.
  static std::int64_t smaller(std::int64_t one, std::int64_t other) {
    return one == 0 || other < one ? other : one;
  }

  Report& report_;
  int tried_count_ = 0;
  std::int64_t largest_kept_bytes_ = 0;
  std::int64_t smallest_returned_bytes_ = 0;
  std::int64_t smallest_rest_bytes_ = 0;
  std::int64_t largest_rest_bytes_ = 0;
};

struct TwoFrees {
  TopAtFree last;
  TopAtFree one_before;
};

/// The heap is grown by a block that does not fit into what is left of the top, one block lies
/// behind it, and both are freed from the top down. What is left decides how large the top is then,
/// because the heap's end is a page's end:
///
///     | taken            | growing | last | top                       | page's end
///     |<- old top's rest, then the growth: whole pages ------------->|
TwoFrees free_two_at_top(std::size_t rest_bytes) {
  leave_of_top(rest_bytes);
  void* const growing = malloc(kUncachedBytes);
  void* const last = malloc(kUncachedBytes);
  if (growing == nullptr || last == nullptr) return {};
  const TopAtFree first = free_at_top(last);
  return {.last = first, .one_before = free_at_top(growing)};
}

void find_boundary(Report& report) {
  Boundary boundary(report);
  for (std::size_t rest = kSmallestChunkBytes; rest < kUncachedChunkBytes + kSmallestChunkBytes;
       rest += kChunkStepBytes) {
    const auto seen = in_fork<TwoFrees>(report, [&] { return free_two_at_top(rest); });
    boundary.add(seen.last);
    boundary.add(seen.one_before);
  }
  boundary.tell();
}

/// Makes the top large without a look at its limit: small chunks wait in the fast bins, and the
/// malloc of a large block merges them into the top.
std::int64_t fill_top_from_fast_bins() {
  constexpr std::size_t kCount = 4000;
  constexpr std::size_t kFastBytes = 100;
  void* blocks[kCount];
  for (auto& block : blocks) block = malloc(kFastBytes);
  for (auto* const block : blocks) free(block);
  void* const live = malloc(kUncachedBytes);
  return live == nullptr ? 0 : end_of_heap() - end_of_chunk(live);
}

/// What the free of one chunk with live neighbours does to a top that is far above its limit.
TopAtFree free_far_from_top(std::size_t bytes) {
  void* const candidate = malloc(request_for_chunk(bytes));
  void* const wall = malloc(kUncachedBytes);
  const std::int64_t top_bytes = fill_top_from_fast_bins();
  const char* const end = end_of_heap();
  free(candidate);
  return {.top_bytes = wall == nullptr ? 0 : top_bytes, .returned_bytes = end - end_of_heap()};
}

/// By bisection: the smallest chunk whose free makes malloc look at the top. 0: none does.
void find_smallest_trimming_chunk(Report& report) {
  std::size_t idle = 2 * kUncachedChunkBytes;
  std::size_t trims = 120'000;
  const auto seen_with = [&](std::size_t bytes) {
    return in_fork<TopAtFree>(report, [&] { return free_far_from_top(bytes); });
  };
  report.value("waiting_top_bytes", seen_with(idle).top_bytes);
  if (seen_with(trims).returned_bytes == 0) trims = 0;
  if (seen_with(idle).returned_bytes > 0) trims = idle;
  while (trims > idle + kChunkStepBytes) {
    const std::size_t middle = (idle + trims) / 2 / kChunkStepBytes * kChunkStepBytes;
    (seen_with(middle).returned_bytes > 0 ? trims : idle) = middle;
  }
  report.value("smallest_trimming_chunk_bytes", trims);
}

/// Blocks that are freed from the top down: each holds the address of the one below.
struct Pile {
  void* last = nullptr;

  void make(std::int64_t total_bytes) {
    for (std::int64_t made = 0; made < total_bytes; made += kBlockBytes) {
      void* const block = malloc(kBlockBytes);
      if (block == nullptr) return;
      *static_cast<void**>(block) = last;
      last = block;
    }
  }
  TopAtFree free_one() {
    void* const block = last;
    last = *static_cast<void**>(block);
    return free_at_top(block);
  }
};

/// The top at which it is given back, once a mapped block of 4 MiB has been freed; in steps of a
/// block of 2000 bytes. raised_*: as the names without it.
void find_raised_boundary(Report& report) {
  struct Seen {
    std::int64_t largest_kept_bytes;
    std::int64_t smallest_returned_bytes;
  };
  const auto raised = in_fork<Seen>(report, [] {
    Seen seen{};
    free(malloc(kRaisingBytes));
    Pile pile;
    pile.make(4 * kRaisingBytes);
    while (pile.last != nullptr && seen.smallest_returned_bytes == 0) {
      const TopAtFree now = pile.free_one();
      (now.returned_bytes > 0 ? seen.smallest_returned_bytes : seen.largest_kept_bytes) =
          now.top_bytes;
    }
    return seen;
  });
  report.value("raising_block_bytes", kRaisingBytes);
  report.value("raised_largest_kept_top_bytes", raised.largest_kept_bytes);
  report.value("raised_smallest_returned_top_bytes", raised.smallest_returned_bytes);
}

/// What stays at the top after everything was freed, with M_TOP_PAD as it is and set.
void find_what_stays(Report& report) {
  const auto rest_with = [&](std::int64_t pad_bytes) {
    return in_fork<std::int64_t>(report, [&] {
      std::int64_t rest = 0;
      if (pad_bytes > 0) mallopt(M_TOP_PAD, static_cast<int>(pad_bytes));
      Pile pile;
      pile.make(4 * kPadBytes);
      while (pile.last != nullptr) {
        const TopAtFree now = pile.free_one();
        rest = now.top_bytes - now.returned_bytes;
      }
      return rest;
    });
  };
  report.value("default_rest_bytes", rest_with(0));
  report.value("pad_bytes", kPadBytes);
  report.value("padded_rest_bytes", rest_with(kPadBytes));
}

}  // namespace

/// Tells the boundary in steps of 16 bytes: largest_kept_top_bytes and smallest_returned_top_bytes
/// (0: none was), and smallest_rest_bytes and largest_rest_bytes, which stay; then its conditions:
/// smallest_trimming_chunk_bytes for a free away from the top of waiting_top_bytes;
/// default_rest_bytes and, with M_TOP_PAD at pad_bytes, padded_rest_bytes after everything was
/// freed; the boundary after the free of a mapped block (raised_*). Curve: returned_by_top_bytes.
void trim_limit(Report& report, const Arguments&) {
  report.step("at the start: each attempt is a child process with a fresh heap");
  find_boundary(report);
  report.step("tops of all sizes near 128K were freed into");
  find_smallest_trimming_chunk(report);
  report.step("chunks below a top above its limit were freed");
  find_what_stays(report);
  report.step("4 MiB were freed with M_TOP_PAD as it is, and at 1 MiB");
  find_raised_boundary(report);
  report.step("16 MiB were freed after a mapped block of 4 MiB had been");
}

}  // namespace heapwise

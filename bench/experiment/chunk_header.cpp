// What malloc keeps beside a block, how much memory that takes, and what free does with it.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>

#include "bench/experiment/experiment.h"
#include "bench/experiment/mapped_chunk.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::size_t kWordBytes = sizeof(std::size_t);
constexpr std::size_t kFlags = 7;  // of the size word's lowest bits

/// The compiler knows of malloc that there is nothing before a block; it must not know this
/// pointer.
std::size_t* words_before(void* block, std::size_t count) {
  asm volatile("" : "+r"(block));
  return static_cast<std::size_t*>(block) - count;
}

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// What a block's two neighbours and its header showed of one size.
struct Overhead {
  std::size_t usable_bytes;
  std::size_t hidden_bytes;    // from the block's usable end to the next block
  bool header_names_distance;  // the word before the block holds the distance to the next
};

/// Two blocks in a row from the heap's top: nothing has been freed before.
Overhead look_at(std::size_t size_bytes) {
  void* const block = malloc(size_bytes);
  void* const next = malloc(size_bytes);
  const auto distance =
      static_cast<std::size_t>(static_cast<char*>(next) - static_cast<char*>(block));
  const std::size_t usable_bytes = malloc_usable_size(block);
  return {.usable_bytes = usable_bytes,
          .hidden_bytes = distance - usable_bytes,
          .header_names_distance = (*words_before(block, 1) & ~kFlags) == distance};
}

/// Overwrites the word that lies `words_count` words before the block, frees it in a fork, and puts
/// the word back. Tells NAME_signal and NAME_message.
void tell_free_of_overwritten(Report& report, const char* name, void* block,
                              std::size_t words_count) {
  char value_name[80];
  std::size_t* const word = words_before(block, words_count);
  const std::size_t kept = *word;
  *word = ~std::size_t{0};
  const TrialEnd end = try_in_fork([&] { free(block); });
  if (end.timed_out) report.refuse("free in a fork", "it did not come to its end");
  *word = kept;
  snprintf(value_name, sizeof value_name, "%s_signal", name);
  report.value(value_name, end.signal);
  snprintf(value_name, sizeof value_name, "%s_message", name);
  report.text(value_name, end.message);
}

}  // namespace

/// Requests of 1 to 4096 bytes, two blocks each, and one of 1 MiB. Tells, of the small ones:
/// sizes_count; least_hidden_bytes and most_hidden_bytes (between a block's usable end and the next
/// block); least_usable_bytes; header_sizes_count (of how many sizes the word before the block
/// holds the distance to the next); rule_sizes_count (of how many the usable size is as the rule
/// says: the request and a word, rounded up to two words, less a word, at least three words). Of
/// the large one: mapped_hidden_bytes (of its mapping, not usable). word_bytes.
void chunk_overhead(Report& report, const Arguments&) {
  constexpr std::size_t kSizes = 4096;
  std::size_t least_hidden_bytes = SIZE_MAX;
  std::size_t most_hidden_bytes = 0;
  std::size_t header_sizes_count = 0;
  std::size_t rule_sizes_count = 0;
  malloc(1);
  report.step("malloc(1)");
  const std::size_t least_usable_bytes = look_at(1).usable_bytes;
  for (std::size_t size_bytes = 1; size_bytes <= kSizes; ++size_bytes) {
    const Overhead overhead = look_at(size_bytes);
    const std::size_t rounded_bytes =
        round_up(size_bytes + kWordBytes, 2 * kWordBytes) - kWordBytes;
    least_hidden_bytes = std::min(least_hidden_bytes, overhead.hidden_bytes);
    most_hidden_bytes = std::max(most_hidden_bytes, overhead.hidden_bytes);
    if (overhead.header_names_distance) ++header_sizes_count;
    if (overhead.usable_bytes == std::max(rounded_bytes, 3 * kWordBytes)) ++rule_sizes_count;
  }
  report.step("2 x malloc of each size from 1 to 4096");
  const NewBlock mapped = allocate_block(std::size_t{1} << 20);
  report.step("malloc(1 MiB)", mapped.address);
  report.value("sizes_count", kSizes);
  report.value("least_hidden_bytes", least_hidden_bytes);
  report.value("most_hidden_bytes", most_hidden_bytes);
  report.value("least_usable_bytes", least_usable_bytes);
  report.value("header_sizes_count", header_sizes_count);
  report.value("rule_sizes_count", rule_sizes_count);
  report.value(
      "mapped_hidden_bytes",
      mapped.mapped_growth_bytes - static_cast<std::int64_t>(malloc_usable_size(mapped.address)));
  report.value("word_bytes", kWordBytes);
}

/// Overwrites one word before a block and frees the block, in a fork each. Tells NAME_signal (0:
/// free returned) and NAME_message for heap_last_word (the word before a block of 100 bytes),
/// heap_word_before (the one before that), mapped_last_word, mapped_word_before (of a mapped
/// block).
void corrupted_header(Report& report, const Arguments&) {
  malloc(100);
  void* const block = malloc(100);
  report.step("2 x malloc(100)", block);
  tell_free_of_overwritten(report, "heap_last_word", block, 1);
  report.step("its last word before overwritten, free in a fork", block);
  tell_free_of_overwritten(report, "heap_word_before", block, 2);
  report.step("the word before that overwritten, free in a fork", block);
  void* const mapped = malloc(std::size_t{1} << 20);
  report.step("malloc(1 MiB)", mapped);
  tell_free_of_overwritten(report, "mapped_last_word", mapped, 1);
  report.step("its last word before overwritten, free in a fork", mapped);
  tell_free_of_overwritten(report, "mapped_word_before", mapped, 2);
  report.step("the word before that overwritten, free in a fork", mapped);
}

/// Blocks of several sizes that are never freed. Tells in_use_growth_bytes (by mallinfo2),
/// chunks_bytes (what their headers and usable sizes come to), requested_bytes,
/// in_use_after_trim_bytes (the growth after malloc_trim(0)), and freed_in_use_growth_bytes (what
/// remains of as many blocks that were freed).
void unfreed_blocks(Report& report, const Arguments&) {
  // Above the sizes that a thread cache or a fastbin keeps: mallinfo2 counts cached blocks as used.
  constexpr std::size_t kSizes[] = {1'500, 2'000, 3'000, 5'000, 10'000, 50'000};
  constexpr int kRounds = 100;
  malloc(1);  // malloc's own first chunk
  std::size_t in_use = mallinfo2().uordblks;
  report.step("malloc(1)");
  for (int i = 0; i < kRounds; ++i) {
    for (const std::size_t size_bytes : kSizes) free(malloc(size_bytes));
  }
  report.step("600 blocks of 1,500 to 50,000 bytes, each freed");
  report.value("freed_in_use_growth_bytes", mallinfo2().uordblks - in_use);
  in_use = mallinfo2().uordblks;
  std::size_t chunks_bytes = 0;
  std::size_t requested_bytes = 0;
  for (int i = 0; i < kRounds; ++i) {
    for (const std::size_t size_bytes : kSizes) {
      chunks_bytes += malloc_usable_size(malloc(size_bytes)) + kWordBytes;
      requested_bytes += size_bytes;
    }
  }
  report.step("600 blocks of 1,500 to 50,000 bytes, none freed");
  report.value("in_use_growth_bytes", mallinfo2().uordblks - in_use);
  report.value("chunks_bytes", chunks_bytes);
  report.value("requested_bytes", requested_bytes);
  malloc_trim(0);
  report.step("malloc_trim(0)");
  report.value("in_use_after_trim_bytes", mallinfo2().uordblks - in_use);
}

}  // namespace heapwise

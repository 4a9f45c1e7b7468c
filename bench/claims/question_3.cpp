// Question 3: Where does malloc get its memory from?
#include <fmt/format.h>

#include <cstdlib>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

// Figures that the claims name themselves.
constexpr std::int64_t k128KiB = 128 << 10;
constexpr std::int64_t k64KiB = 64 << 10;
constexpr std::int64_t kAlignedWords = 2;  // blocks begin at a multiple of two words

const std::vector<Need> kGlibcAsInstalled{Need::kGlibcMalloc, Need::kDefaultSettings};

std::string boundary_of(const Evidence& told) {
  const auto mapped = told.value("smallest_mapped_bytes");
  if (mapped == 0) return "no size tried was mapped";
  return fmt::format("{} bytes still came from the heap, {} were mapped",
                     grouped(told.value("largest_heap_bytes")), grouped(mapped));
}

Judgement judge_unfreed_leaks(const Findings& findings) {
  const auto& told = findings.front();
  const auto growth = told.value("in_use_growth_bytes");
  const auto freed_growth = told.value("freed_in_use_growth_bytes");
  const auto measured = fmt::format(
      "blocks of {} bytes in all that nobody freed: memory in use {} bytes, their chunks come to "
      "{}, and after "
      "malloc_trim(0) {} bytes are still in use; as many blocks that were freed: {} bytes",
      grouped(told.value("requested_bytes")), grouped_difference(growth),
      grouped(told.value("chunks_bytes")), grouped(told.value("in_use_after_trim_bytes")),
      grouped_difference(freed_growth));
  const bool stays =
      growth >= told.value("requested_bytes") && told.value("in_use_after_trim_bytes") == growth;
  return holds_when(stays && freed_growth < growth, measured);
}

Judgement judge_small_from_brk(const Findings& findings) {
  const auto& first = findings[0];
  const auto& states = findings[1];
  const auto sizes = states.value("sizes_count");
  const auto measured = fmt::format(
      "the first malloc(1) moved brk by {} bytes; {} mallocs of 100 bytes moved it {} times; of {} "
      "sizes from 100 to "
      "100,000 bytes {} moved it when nothing was free, {} with room in the top, {} with a freed "
      "block of that size",
      grouped(first.value("first_growth_bytes")), grouped(first.value("mallocs_count")),
      first.value("moves_count"), sizes, states.value("empty_moves_count"),
      states.value("top_moves_count"), states.value("freed_block_moves_count"));
  if (first.value("first_growth_bytes") <= 0 || states.value("empty_moves_count") < sizes)
    return does_not_hold(measured);
  const bool moves_always =
      states.value("top_moves_count") == sizes && states.value("freed_block_moves_count") == sizes;
  if (moves_always) return holds(measured);
  return holds_if("neither a freed block nor the top of the heap has room", measured);
}

/// What malloc compares with its threshold: the request with its header, rounded up.
std::int64_t chunk_bytes(std::int64_t request_bytes, std::int64_t word_bytes) {
  const auto unit = kAlignedWords * word_bytes;
  return (request_bytes + word_bytes + unit - 1) / unit * unit;
}

Judgement judge_boundary_is_128k(const Findings& findings) {
  const auto& told = findings.front();
  const auto largest = told.value("largest_heap_bytes");
  const auto smallest = told.value("smallest_mapped_bytes");
  const auto word = told.value("word_bytes");
  const auto below = k128KiB - largest;
  const auto measured =
      fmt::format("with the top used up {}: {} bytes below 128 KiB", boundary_of(told), below);
  if (smallest == k128KiB || largest == k128KiB) return holds(measured);
  const bool is_of_chunk =
      chunk_bytes(smallest, word) >= k128KiB && chunk_bytes(largest, word) < k128KiB;
  if (smallest != 0 && is_of_chunk && below > 0 && below < k128KiB / 2) {
    return holds_if(
        fmt::format("the header and the rounding are counted: the line is {} bytes below 128 KiB",
                    below),
        measured);
  }
  return does_not_hold(measured);
}

Judgement judge_boundary_in_any_state(const Findings& findings) {
  const auto& fresh = findings[0];
  const auto& cpp = findings[1];
  const auto& used_up = findings[2];
  const bool has_cpp = cpp.value("cpp_runtime_loaded") != 0;
  auto measured = fmt::format("a C program's first malloc: {}; with the top used up: {}",
                              boundary_of(fresh), boundary_of(used_up));
  measured += has_cpp
                  ? fmt::format("; with libstdc++ loaded, which allocates a pool before main: {}",
                                boundary_of(cpp))
                  : "; libstdc++.so.6 could not be loaded here";
  const auto boundary = used_up.value("smallest_mapped_bytes");
  const bool is_same = fresh.value("smallest_mapped_bytes") == boundary &&
                       (!has_cpp || cpp.value("smallest_mapped_bytes") == boundary);
  return holds_when(is_same, measured);
}

/// Of the run in the kernel's old layout, where there was one.
std::string legacy_error_of(const Evidence& legacy) {
  return legacy.has_value("small_block_address")
             ? ""
             : fmt::format("the old layout is not to be had here: {}",
                           legacy.text("legacy_layout_error"));
}

bool heap_is_below(const Evidence& told) {
  return told.value("small_block_address") < told.value("large_block_address");
}

std::string distance_of(const Evidence& told) {
  const auto distance = told.value("large_block_address") - told.value("small_block_address");
  return fmt::format("the mapped block lies {} {} the small one", rounded_bytes(std::abs(distance)),
                     distance > 0 ? "above" : "below");
}

Judgement judge_heap_below_mappings(const Findings& findings) {
  const auto& usual = findings[0];
  const auto& legacy = findings[1];
  if (usual.value("large_block_is_mapped") == 0)
    return not_testable("malloc(1 MiB) is not mapped here");
  const auto error = legacy_error_of(legacy);
  const auto measured =
      fmt::format("{}; {}", distance_of(usual),
                  error.empty() ? "in the kernel's old layout " + distance_of(legacy) : error);
  if (!heap_is_below(usual)) return does_not_hold(measured);
  if (error.empty() && !heap_is_below(legacy)) {
    return holds_if(
        "mappings are laid out from the stack downwards, as they are unless the old layout is "
        "asked for",
        measured);
  }
  return holds(measured);
}

bool is_near_stack(const Evidence& told) {
  const auto large = told.value("large_block_address");
  const auto to_stack = told.value("stack_address") - large;
  return to_stack > 0 && heap_is_below(told) &&
         to_stack < large - told.value("small_block_address");
}

Judgement judge_mapped_near_stack(const Findings& findings) {
  const auto& usual = findings[0];
  const auto& legacy = findings[1];
  if (usual.value("large_block_is_mapped") == 0) {
    return does_not_hold("a first malloc(1 MiB) is not mapped");
  }
  const auto to_stack = usual.value("stack_address") - usual.value("large_block_address");
  const auto error = legacy_error_of(legacy);
  const auto measured = fmt::format(
      "a first block of 1 MiB lies {} below the stack and {} above the heap; {}",
      rounded_bytes(to_stack),
      rounded_bytes(usual.value("large_block_address") - usual.value("small_block_address")),
      error.empty() ? fmt::format("in the kernel's old layout {} below the stack",
                                  rounded_bytes(legacy.value("stack_address") -
                                                legacy.value("large_block_address")))
                    : error);
  if (!is_near_stack(usual)) return does_not_hold(measured);
  if (error.empty() && !is_near_stack(legacy)) {
    return holds_if(
        "mappings are laid out from the stack downwards, as they are unless the old layout is "
        "asked for",
        measured);
  }
  return holds(measured);
}

Judgement judge_header_of_two_words(const Findings& findings) {
  const auto& told = findings.front();
  const auto least = told.value("least_hidden_bytes");
  const auto most = told.value("most_hidden_bytes");
  const auto sizes = told.value("sizes_count");
  const auto measured = fmt::format(
      "{} bytes between a heap block's usable end and the next block, {} for a mapped block; of {} "
      "sizes {} had their "
      "chunk's size in the word before the block, {} the usable size of the rule, and none fewer "
      "than {} usable bytes",
      least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most),
      told.value("mapped_hidden_bytes"), grouped(sizes), grouped(told.value("header_sizes_count")),
      grouped(told.value("rule_sizes_count")), told.value("least_usable_bytes"));
  const auto claimed = 2 * told.value("word_bytes");
  return holds_when(least == claimed && most == claimed, measured);
}

std::string end_of(const Evidence& told, const std::string& name) {
  const auto signal = told.value(name + "_signal");
  if (signal == 0) return "free returned";
  const auto& message = told.text(name + "_message");
  return fmt::format("signal {}{}", signal,
                     message.empty() ? "" : fmt::format(", \"{}\"", message));
}

Judgement judge_free_uses_header(const Findings& findings) {
  const auto& told = findings.front();
  const auto measured = fmt::format(
      "the word before a heap block overwritten: {}; the word before that, which the block before "
      "may use: {}; of a mapped "
      "block: {}, and {}",
      end_of(told, "heap_last_word"), end_of(told, "heap_word_before"),
      end_of(told, "mapped_last_word"), end_of(told, "mapped_word_before"));
  return holds_when(
      told.value("heap_last_word_signal") != 0 && told.value("mapped_last_word_signal") != 0,
      measured);
}

Judgement judge_top_moves_seldom(const Findings& findings) {
  const auto& told = findings.front();
  std::string ratios;
  for (const auto& [size, moves] : told.curve("moves_per_malloc")) {
    ratios += fmt::format("{}{:.4f} at {} bytes", ratios.empty() ? "" : ", ", moves,
                          grouped(static_cast<std::int64_t>(size)));
  }
  return holds_when(told.value("moves_count") < told.value("mallocs_count"),
                    fmt::format("moves of brk a malloc: {}", ratios));
}

Judgement judge_large_by_mmap(const Findings& findings) {
  const auto& told = findings.front();
  const bool first_mapped = told.value("first_is_mapped") != 0;
  const bool second_mapped = told.value("second_is_mapped") != 0;
  auto measured = fmt::format(
      "the first malloc(1 MiB) was {}, after its free the second {}; the first took {} bytes, and "
      "from then on {}",
      first_mapped ? "mapped" : "not mapped",
      second_mapped ? "was mapped too" : "came from the heap",
      grouped(told.value("mapped_chunk_bytes")), boundary_of(told));
  if (told.has_value("smallest_returned_top_bytes")) {
    measured +=
        fmt::format("; a free top of {} bytes was kept, one of {} given back (twice that is {})",
                    grouped(told.value("largest_kept_top_bytes")),
                    grouped(told.value("smallest_returned_top_bytes")),
                    grouped(2 * told.value("mapped_chunk_bytes")));
  }
  if (!first_mapped) return does_not_hold(measured);
  if (second_mapped) return holds(measured);
  return holds_if("no mapped block of that size has been freed before: the threshold is dynamic",
                  measured);
}

Judgement judge_threshold_follows(const Findings& findings) {
  const auto& told = findings.front();
  const auto followed = told.value("largest_followed_bytes");
  const auto not_followed = told.value("smallest_not_followed_bytes");
  if (followed == 0)
    return does_not_hold("after a free of 1 MiB the next malloc of it was mapped again");
  if (not_followed == 0) {
    return holds(fmt::format("the threshold followed a freed block of {} bytes, the largest tried",
                             grouped(followed)));
  }
  return holds_if(
      fmt::format("the block is no larger than {} bytes: a limit of the rule", grouped(followed)),
      fmt::format("after malloc and free of {} bytes the next malloc of it came from the heap; of "
                  "{} bytes it was mapped",
                  grouped(followed), grouped(not_followed)));
}

Judgement judge_mappings_without_limit(const Findings& findings) {
  const auto& told = findings.front();
  const auto count = told.value("mapped_blocks_count");
  if (told.value("comes_from_heap_then") == 0) {
    return holds(fmt::format("{} blocks of 128 KiB were all mapped", grouped(count)));
  }
  if (told.value("kernel_still_maps") == 0) {
    return not_testable(fmt::format(
        "the kernel refused the mapping after {} blocks; see vm.max_map_count, ulimit -v and "
        "vm.overcommit_memory",
        grouped(count)));
  }
  const auto measured = fmt::format(
      "{} blocks of 128 KiB were mapped, the next came from the heap, though the kernel would have "
      "mapped it",
      grouped(count));
  if (count == 0) return does_not_hold(measured);
  return holds_if(
      fmt::format("fewer than {} blocks are mapped: a limit of the rule", grouped(count)),
      measured);
}

Judgement judge_threshold_by_mallopt(const Findings& findings) {
  const auto& told = findings.front();
  const auto word_for = [&](const char* name) {
    return told.value(name) != 0 ? "mapped" : "from the heap";
  };
  const auto measured = fmt::format(
      "after mallopt to 64 KiB: the first malloc(70,000) {}, the second {}, and after its free the "
      "third {}; with the top "
      "used up {}",
      word_for("first_is_mapped"), word_for("second_is_mapped"), word_for("third_is_mapped"),
      boundary_of(told));
  if (told.value("second_is_mapped") == 0 || told.value("smallest_mapped_bytes") > k64KiB + 1) {
    return does_not_hold(measured);
  }
  if (told.value("first_is_mapped") != 0) return holds(measured);
  return holds_if("neither a freed block nor the top of the heap can serve the request", measured);
}

Judgement judge_any_threshold(const Findings& findings) {
  const auto& told = findings.front();
  const auto accepted = told.value("largest_accepted_bytes");
  const auto possible = told.value("largest_possible_bytes");
  const auto measured = fmt::format(
      "mallopt took values up to {} of {} possible; asked for 64 MiB, with the top used up {}",
      grouped(accepted), grouped(possible), boundary_of(told));
  if (accepted == 0) return does_not_hold(measured);
  if (accepted < possible) {
    return holds_if(
        fmt::format("the value is at most {}: this depends on the version", grouped(accepted)),
        measured);
  }
  return holds_when(told.value("largest_heap_bytes") > told.value("asked_bytes") / 2, measured);
}

std::vector<Claim> claims_about_the_heap() {
  return {
      {.id = "3.0",
       .says = "Memory that is not freed leaks.",
       .experiment = "600 blocks of 1,500 to 50,000 bytes that are freed and 600 that are not; the "
                     "bytes in use by mallinfo2 "
                     "before and after, and after malloc_trim(0).",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "unfreed_blocks"}},
       .judge = judge_unfreed_leaks,
       .truth = "A block stays in use until it is freed or the process ends, whether or not a "
                "pointer to it is left; malloc "
                "has no way to know. It costs its chunk: the request with the header, rounded up.",
       .mechanism = "__libc_mallinfo2: uordblks is av->system_mem less everything in bins and top; "
                    "nothing but free puts a "
                    "chunk there",
       .see_it = "gdb -p PID -batch -ex 'call (void)malloc_stats()': \"in use bytes\", on the "
                 "program's standard error, twice; "
                 "or valgrind --leak-check=full PROGRAM"},
      {.id = "3.1",
       .says = "Requests of up to 128K come from sbrk and move the top of the heap.",
       .experiment = "In a fresh process malloc(1), then 10,000 times malloc(100); in another, "
                     "four sizes each with nothing "
                     "free, with room in the top, and with a freed block of that size. sbrk(0) "
                     "before and after.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "first_malloc"}, {.name = "top_states"}},
       .judge = judge_small_from_brk,
       .truth = "brk moves in steps of the request plus M_TOP_PAD, rounded up to a page, and only "
                "when neither the thread's "
                "cache nor a bin nor the top chunk can serve the request.",
       .mechanism = "_int_malloc tries bins and av->top first; sysmalloc extends av->top by "
                    "MORECORE(nb + mp_.top_pad + "
                    "MINSIZE less what the top has)",
       .see_it = "strace -e trace=brk,mmap,munmap PROGRAM"},
      {.id = "3.1b",
       .says = "The boundary between brk and mmap is 128K.",
       .experiment = "With the top used up, the largest request that comes from the heap and the "
                     "smallest that is mapped, by "
                     "bisection; each size is tried in a fork of the same state.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "mapping_boundary"}},
       .judge = judge_boundary_is_128k,
       .truth = "What is compared with the threshold is the chunk: the request and a word of "
                "header, rounded up to two words. "
                "The last request from the heap is therefore three words short of the threshold.",
       .mechanism = "sysmalloc: (unsigned long) (nb) >= (unsigned long) (mp_.mmap_threshold), "
                    "where nb is checked_request2size "
                    "of the request; DEFAULT_MMAP_THRESHOLD_MIN",
       .see_it = "strace -e trace=brk,mmap PROGRAM: an anonymous mmap is as large as the chunk and "
                 "a word, rounded up to a page"},
      {.id = "3.1c",
       .says = "That boundary is the same in any state of the heap.",
       .experiment = "The same bisection for the first malloc of a C process, for that of one with "
                     "libstdc++ loaded (by "
                     "LD_PRELOAD), and with the top used up.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "fresh_boundary"},
                {.name = "fresh_boundary", .environment = {"LD_PRELOAD=libstdc++.so.6"}},
                {.name = "mapping_boundary"}},
       .judge = judge_boundary_in_any_state,
       .truth = "The threshold is looked at only when bins and top cannot serve the request. Where "
                "they can, a block above the "
                "threshold comes from the heap; a fresh top is larger than the threshold, until "
                "something is taken from it.",
       .mechanism = "_int_malloc reaches sysmalloc, and with it mp_.mmap_threshold, only behind "
                    "use_top; the first top has "
                    "M_TOP_PAD and more, because tcache_init asks first",
       .see_it = "strace -e trace=brk,mmap PROGRAM, with and without LD_PRELOAD=libstdc++.so.6"},
      {.id = "3.1d",
       .says = "Addresses in the heap are smaller than those of mapped blocks.",
       .experiment = "The addresses of malloc(100) and of malloc(1 MiB), in the usual layout and "
                     "in the kernel's old one.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "block_places"}, {.name = "block_places", .arguments = {"legacy"}}},
       .judge = judge_heap_below_mappings,
       .truth = "The heap begins behind the program, and mappings are placed below the stack, far "
                "above. In the old layout "
                "(setarch -L) they begin at a third of the address space, below the heap of a "
                "position-independent program.",
       .mechanism = "arch_pick_mmap_layout in the kernel: mmap_base below the stack, or "
                    "TASK_UNMAPPED_BASE with "
                    "ADDR_COMPAT_LAYOUT; ELF_ET_DYN_BASE for the program, behind which brk begins",
       .see_it = "grep -n -e heap -e stack /proc/PID/maps"},
  };
}

std::vector<Claim> claims_about_headers() {
  return {
      {.id = "3.2",
       .says = "16 bytes before the pointer (8 in a 32-bit program) hold control data.",
       .experiment = "Two blocks in a row of each size from 1 to 4096 bytes, and one of 1 MiB: "
                     "malloc_usable_size, the distance "
                     "to the next block, and the word before the block.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "chunk_overhead"}},
       .judge = judge_header_of_two_words,
       .truth = "One word before a heap block holds its chunk's size and three flags; the word "
                "before that belongs to the block "
                "before it. So a block costs one word and the rounding to two words, at least four "
                "words in all; only a mapped "
                "block has two words of its own. (In 32-bit programs a word has 4 bytes, and "
                "blocks are 16-aligned all the same.)",
       .mechanism = "struct malloc_chunk: mchunk_prev_size is the previous chunk's data while that "
                    "is in use; "
                    "checked_request2size, CHUNK_HDR_SZ, MINSIZE; chunk_is_mmapped",
       .see_it = "gdb -p PID -batch -ex 'x/2gx POINTER-16'"},
      {.id = "3.2c",
       .says = "free uses that data.",
       .experiment = "A word before a block is overwritten with ones and the block freed, in a "
                     "fork each: of a heap block and of "
                     "a mapped one, the last word and the one before it.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "corrupted_header", .environment = {"LIBC_FATAL_STDERR_=1"}}},
       .judge = judge_free_uses_header,
       .truth = "free takes size and flags from the word before the block, and aborts when they "
                "cannot be right. The word before "
                "that is looked at only for mapped blocks, and where the chunk before is free.",
       .mechanism = "__libc_free: chunk_is_mmapped leads to munmap_chunk, which checks that block "
                    "and size are whole pages; "
                    "malloc_printerr writes the message and aborts",
       .see_it = "PROGRAM; gdb PROGRAM CORE -batch -ex bt: malloc_printerr is called by "
                 "munmap_chunk or _int_free"},
      {.id = "3.3",
       .says = "malloc does not move the top of the heap each time.",
       .experiment =
           "10,000 mallocs each of 24, 100, 1,000 and 10,000 bytes, and how often sbrk(0) changes.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "top_moves"}},
       .judge = judge_top_moves_seldom,
       .truth = "Each move asks for M_TOP_PAD more than is needed, and the requests that follow "
                "are cut from that.",
       .mechanism = "sysmalloc: size = nb + mp_.top_pad + MINSIZE; _int_malloc at use_top splits "
                    "the top chunk",
       .see_it = "strace -c -e trace=brk PROGRAM"},
  };
}

std::vector<Claim> claims_about_mappings() {
  return {
      {.id = "3.4",
       .says = "Above 128K malloc uses mmap.",
       .experiment = "malloc(1 MiB), free, malloc(1 MiB); then, with the top used up, the first "
                     "size that is mapped and the free "
                     "top that free gives back, by bisection.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "threshold_after_free"}},
       .judge = judge_large_by_mmap,
       .truth =
           "Only at first. When a mapped block is freed, the threshold rises to that chunk's size "
           "and the trim threshold to "
           "twice it, so that the next block of that size comes from the heap and stays there.",
       .mechanism = "__libc_free: mp_.mmap_threshold = chunksize (p); mp_.trim_threshold = 2 * "
                    "mp_.mmap_threshold, unless "
                    "mp_.no_dyn_threshold",
       .see_it = "gdb -p PID -batch -ex 'p mp_' (with the package libc6-dbg); strace -e "
                 "trace=brk,mmap,munmap PROGRAM"},
      {.id = "3.4b",
       .says = "Mapped blocks lie near the stack, at high addresses.",
       .experiment = "The addresses of malloc(100), of a first malloc(1 MiB) and of a variable on "
                     "the stack, in the usual layout "
                     "and in the kernel's old one.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "block_places"}, {.name = "block_places", .arguments = {"legacy"}}},
       .judge = judge_mapped_near_stack,
       .truth =
           "Mappings are placed from a gap below the stack downwards, next to the libraries, at "
           "random within some bits. A "
           "large block that comes from the heap, after the threshold has risen, lies in the heap.",
       .mechanism = "mmap_base in the kernel: the top of the address space less the stack's limit "
                    "and a random offset; "
                    "arch_get_unmapped_area_topdown",
       .see_it = "pmap PID; grep stack /proc/PID/maps"},
      {.id = "3.4c",
       .says = "The mmap threshold follows every larger mapped block that is freed.",
       .experiment = "malloc of n bytes, free, malloc of n bytes, each n in a fork of the same "
                     "state: the largest n of which the "
                     "second block comes from the heap, by bisection between 1 MiB and 256 MiB.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "threshold_limit"}},
       .judge = judge_threshold_follows,
       .truth = "It follows up to DEFAULT_MMAP_THRESHOLD_MAX, 32 MiB with 64-bit words. The "
                "chunk's size is compared with its "
                "flags still in it, so that a chunk of exactly 32 MiB is too large already; larger "
                "blocks are mapped each time.",
       .mechanism = "__libc_free: chunksize_nomask (p) <= DEFAULT_MMAP_THRESHOLD_MAX, where the "
                    "IS_MMAPPED flag counts as 2",
       .see_it = "strace -e trace=mmap,munmap PROGRAM: one pair for each block, again and again"},
      {.id = "3.4d",
       .says = "Every block above the threshold is mapped, however many there are.",
       .experiment = "malloc(128 KiB) with the top used up, all blocks kept, until one comes from "
                     "the heap or 200,000 are mapped.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "mapped_blocks"}},
       .judge = judge_mappings_without_limit,
       .truth = "M_MMAP_MAX (DEFAULT_MMAP_MAX, 65,536) blocks are mapped at a time; further ones "
                "come from the heap.",
       .mechanism = "sysmalloc: mp_.n_mmaps < mp_.n_mmaps_max",
       .see_it = "gdb -p PID -batch -ex 'call (void)malloc_stats()': \"max mmap regions\""},
      {.id = "3.5",
       .says = "After mallopt(M_MMAP_THRESHOLD, 64K) requests above 64K use mmap.",
       .experiment = "mallopt, then malloc(70,000) twice, free of the second, and malloc(70,000) "
                     "again; then the first size that "
                     "is mapped with the top used up.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "threshold_by_mallopt"}},
       .judge = judge_threshold_by_mallopt,
       .truth = "Only where neither a bin nor the top can serve them. From then on the threshold "
                "stays as it was set: the dynamic "
                "rule is off, for the trim threshold too.",
       .mechanism = "do_set_mmap_threshold: mp_.mmap_threshold = value; mp_.no_dyn_threshold = 1",
       .see_it =
           "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=65536 strace -e trace=brk,mmap PROGRAM"},
      {.id = "3.5b",
       .says = "M_MMAP_THRESHOLD may be set to any value.",
       .experiment = "The largest value for which mallopt returns 1, each tried in a fork; then "
                     "mallopt to 64 MiB and the first "
                     "size that is mapped, by bisection.",
       .needs = kGlibcAsInstalled,
       .runs = {{.name = "threshold_values"}},
       .judge = judge_any_threshold,
       .truth = "It depends on the version: since glibc 2.35 any value is taken; before, values "
                "above half of HEAP_MAX_SIZE, 32 "
                "MiB with 64-bit words, were refused. DEFAULT_MMAP_THRESHOLD_MAX limits only what "
                "the dynamic rule does.",
       .mechanism =
           "do_set_mmap_threshold, which in older versions has: if (value <= HEAP_MAX_SIZE / 2)",
       .see_it = "strace -e trace=brk,mmap PROGRAM after mallopt, whose return value tells"},
  };
}

std::vector<Claim> join(std::vector<std::vector<Claim>> parts) {
  std::vector<Claim> claims;
  for (auto& part : parts) claims.insert(claims.end(), part.begin(), part.end());
  return claims;
}

}  // namespace

Question question_3() {
  return {
      .number = 3,
      .title = "Where does malloc get its memory from?",
      .answer =
          "From two places. Small blocks are cut from the heap, one stretch of memory whose end "
          "the system call brk "
          "moves; malloc takes a freed block first, then the free room before the heap's end, "
          "called the top, and "
          "moves the end only when neither is enough, and then by more than was asked for. Large "
          "blocks get a mapping "
          "of their own from mmap. The line between the two begins a few bytes below 128 KiB, but "
          "it is not fixed: "
          "when a mapped block is freed, malloc takes its size as the new line, up to 32 MiB, so "
          "that the next block "
          "of that size comes from the heap. Before each block stands one word with its size and "
          "three flags, which "
          "free believes, and what is never freed stays in use until the process ends.",
      .claims = join({claims_about_the_heap(), claims_about_headers(), claims_about_mappings()})};
}

}  // namespace heapwise

// Question 2: What does the address space of a process look like?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

/// As told: an address of the kernel's comes as a negative number.
std::uint64_t address(const Evidence& told, const std::string& name) {
  return static_cast<std::uint64_t>(told.value(name));
}

/// "31 KiB", "12 MiB", "41 TiB": the largest unit of which there are at least ten.
std::string about(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && bytes >= 10U << 10) {
    bytes >>= 10;
    ++unit;
  }
  return fmt::format("{} {}", grouped(static_cast<std::int64_t>(bytes)), kUnits[unit]);
}

std::string signal_words(std::int64_t signal) {
  if (signal == 0) return "no signal";
  return signal == SIGSEGV ? "SIGSEGV" : fmt::format("signal {}", signal);
}

bool is_writable(const std::string& rights) {
  return rights.size() > 1 && rights[1] == 'w';
}

// 2.1

constexpr std::array<std::string_view, 5> kParts{"text", "data", "heap", "mapping", "stack"};

std::vector<std::uint64_t> part_addresses(const Evidence& told) {
  std::vector<std::uint64_t> addresses;
  for (const auto part : kParts)
    addresses.push_back(address(told, fmt::format("{}_address", part)));
  if (told.has_value("kernel_address")) addresses.push_back(address(told, "kernel_address"));
  return addresses;
}

/// How many of the parts lay elsewhere in the second process.
int count_moved(const Evidence& first, const Evidence& second) {
  return static_cast<int>(std::ranges::count_if(kParts, [&](auto part) {
    const auto name = fmt::format("{}_address", part);
    return first.value(name) != second.value(name);
  }));
}

Judgement judge_layout(const Findings& findings) {
  const auto& told = findings.front();
  const auto addresses = part_addresses(told);
  const auto measured = fmt::format(
      "text, data, heap, mapping, stack{} at {:#x}; in a second process {} of {}, all but the "
      "kernel's, were others",
      told.has_value("kernel_address") ? ", kernel" : " (the kernel's are hidden from this user)",
      fmt::join(addresses, ", "), count_moved(told, findings.back()), kParts.size());
  return holds_when(std::ranges::is_sorted(addresses), measured);
}

// 2.2, 2.3

Judgement judge_read_only(const Findings& findings) {
  const auto& told = findings.front();
  const auto unstored = told.value("unstored_count");
  const auto measured = fmt::format(
      "a write to code ({}): {}, to a string literal ({}): {}, to a const object ({}): {}, to a "
      "variable: {}; found among the program's constants: the const object's number {} x, that of "
      "a #define {} x (and in its code {} x)",
      told.text("text_rights"), signal_words(told.value("text_write_signal")),
      told.text("literal_rights"), signal_words(told.value("literal_write_signal")),
      told.text("stored_rights"), signal_words(told.value("stored_write_signal")),
      signal_words(told.value("variable_write_signal")), told.value("stored_count"), unstored,
      told.value("unstored_in_code_count"));
  const bool is_protected =
      told.value("text_write_signal") != 0 && told.value("literal_write_signal") != 0 &&
      told.value("stored_write_signal") != 0 && told.value("variable_write_signal") == 0;
  if (!is_protected || told.value("stored_count") == 0) return does_not_hold(measured);
  if (unstored > 0) return holds(measured);
  return holds_if(
      "the constant is a literal or a const object; the number of a #define is at most part of an "
      "instruction",
      measured);
}

Judgement judge_data_segment(const Findings& findings) {
  const auto& told = findings.front();
  const auto measured = fmt::format(
      "a global's pages have the rights {}, a static's {}, those without a value {}, a const's {} "
      "(a write to it: {}); of {} KiB without a value {} bytes were not 0, and a write to them let "
      "RSS grow by {} KiB",
      told.text("global_rights"), told.text("static_rights"), told.text("zeroed_rights"),
      told.text("const_rights"), signal_words(told.value("const_write_signal")),
      grouped(told.value("zeroed_bytes") >> 10), told.value("zeroed_nonzero_count"),
      grouped(told.value("zeroed_rss_bytes") >> 10));
  const bool are_inside = told.value("global_is_inside") == 1 &&
                          told.value("static_is_inside") == 1 &&
                          told.value("zeroed_is_inside") == 1;
  const bool are_writable = is_writable(told.text("global_rights")) &&
                            is_writable(told.text("static_rights")) &&
                            is_writable(told.text("zeroed_rights"));
  if (!are_inside || !are_writable || told.value("zeroed_nonzero_count") != 0)
    return does_not_hold(measured);
  if (is_writable(told.text("const_rights"))) return holds(measured);
  return holds_if("they can be written; const ones are among the read-only constants", measured);
}

// 2.4, 2.5

Judgement judge_brk(const Findings& findings) {
  const auto& told = findings.front();
  const auto step = told.value("step_bytes");
  const auto up = told.value("grown") - told.value("before");
  const auto down = told.value("shrunk") - told.value("grown");
  const auto measured = fmt::format(
      "sbrk({}) moved the top by {} bytes and sbrk(-{}) by {}; a write to the last of the new "
      "bytes: {}, a read of it after the second: {}",
      grouped(step), grouped_difference(up), grouped(step), grouped_difference(down),
      signal_words(told.value("grown_write_signal")),
      signal_words(told.value("shrunk_read_signal")));
  const bool is_memory =
      told.value("grown_write_signal") == 0 && told.value("shrunk_read_signal") == SIGSEGV;
  return holds_when(up == step && down == -step && is_memory, measured);
}

bool is_in_heap(const Evidence& told, const std::string& name) {
  return told.value(name) >= told.value("heap_begin") && told.value(name) < told.value("heap_end");
}

Judgement judge_malloc_areas(const Findings& findings) {
  constexpr std::uint64_t kArenaAlignment = std::uint64_t{64} << 20;
  const auto& told = findings.front();
  const auto place = [&](const std::string& name) {
    return is_in_heap(told, name) ? "in the heap" : "outside of it";
  };
  const auto measured = fmt::format(
      "malloc(100) of the main thread lay {}, of a second thread {}, {} behind a multiple of 64 "
      "MiB; malloc of 1 MiB {}",
      place("main_address"), place("thread_address"),
      about(address(told, "thread_address") % kArenaAlignment), place("large_address"));
  if (!is_in_heap(told, "main_address")) return does_not_hold(measured);
  if (is_in_heap(told, "thread_address") && is_in_heap(told, "large_address"))
    return holds(measured);
  return holds_if("the block is small and comes from the main arena, that of the main thread",
                  measured);
}

// 2.6, 2.7

Judgement judge_mapping_area(const Findings& findings) {
  const auto& told = findings.front();
  std::vector<std::uint64_t> addresses;
  for (const auto* name : {"libc_address", "memfd_address", "anonymous_address", "malloc_address",
                           "thread_stack_address"}) {
    addresses.push_back(address(told, name));
  }
  const auto [lowest, highest] = std::ranges::minmax(addresses);
  const auto heap_end = address(told, "heap_end");
  const auto stack_begin = address(told, "main_stack_begin");
  const auto measured = fmt::format(
      "a function of the C library, a memfd, an anonymous page, a malloc of 1 MiB and a thread's "
      "stack lay within {}, from {:#x} to {:#x}; the heap ended at {:#x}, the stack began at {:#x}",
      about(highest - lowest), lowest, highest, heap_end, stack_begin);
  const bool is_between = lowest > heap_end && highest < stack_begin;
  return holds_when(is_between && highest - lowest < (lowest - heap_end) / 10, measured);
}

Judgement judge_stack(const Findings& findings) {
  const auto& told = findings.front();
  const auto tried = told.value("tried_limit_bytes");
  const auto deepest = told.value("deepest_bytes");
  const bool is_limited = told.value("is_limited") == 1;
  const auto measured = fmt::format(
      "the limit is {}; {} KiB were mapped at first, {} KiB after the use of {} KiB; under a limit "
      "of {} KiB calls without end got {} KiB deep ({}); a thread gets {} KiB",
      is_limited ? grouped(told.value("limit_bytes") >> 10) + " KiB" : "unlimited",
      grouped(told.value("first_bytes") >> 10), grouped(told.value("grown_bytes") >> 10),
      grouped(told.value("used_bytes") >> 10), grouped(tried >> 10), grouped(deepest >> 10),
      signal_words(told.value("overflow_signal")), grouped(told.value("thread_stack_bytes") >> 10));
  const bool ends_there =
      told.value("overflow_signal") == SIGSEGV && std::llabs(tried - deepest) < tried / 10;
  if (!is_limited || !ends_there) return does_not_hold(measured);
  if (told.value("first_bytes") >= tried) return holds(measured);
  return holds_if("8 MB is taken as the limit that ulimit -s gives, not as a size", measured);
}

// 2.8 to 2.11

Judgement judge_kernel_space(const Findings& findings) {
  const auto& told = findings.front();
  const auto measured = fmt::format(
      "a read at {:#x}, {}: {}; a write: {}; write(2) of a byte from there: errno {} ({}); a read "
      "of a byte of its own: {}",
      address(told, "kernel_address"),
      told.value("is_named") == 1 ? "which the kernel names as its own" : "in the kernel's half",
      signal_words(told.value("read_signal")), signal_words(told.value("write_signal")),
      told.value("system_call_error"),
      told.value("system_call_error") == EFAULT ? "EFAULT" : "not EFAULT",
      signal_words(told.value("own_read_signal")));
  const bool is_invisible = told.value("read_signal") != 0 && told.value("write_signal") != 0 &&
                            told.value("system_call_error") == EFAULT;
  return holds_when(is_invisible && told.value("own_read_signal") == 0, measured);
}

Judgement judge_narrow_process(const Findings& findings) {
  constexpr std::uint64_t kSaidEnd = 0xc000'0000;
  const auto& told = findings.front();
  const bool has_high = told.value("high_page_is_mapped") == 1;
  const bool has_low = told.value("low_page_is_mapped") == 1;
  const auto stack_end = address(told, "stack_end");
  const auto measured = fmt::format(
      "a 32-bit process linked to {:#010x} had its stack up to {:#x} and mappings up to {:#x}; a "
      "page asked for at {:#x} was {}, one at {:#010x} {}",
      address(told, "text_address"), stack_end, address(told, "highest_mapped"),
      address(told, "high_page"), has_high ? "given" : "refused", address(told, "low_page"),
      has_low ? "given" : "refused");
  if (stack_end > kSaidEnd || has_high) return does_not_hold(measured);
  if (!has_low) return holds(measured);
  return holds_if("the lower end is read as where programs are linked to, not as a limit",
                  measured);
}

Judgement judge_virtual_bits(const Findings& findings) {
  constexpr std::int64_t kSaid = 48;
  const auto& told = findings.front();
  const auto user = told.value("user_bits");
  const auto answer = [&](const std::string& name) {
    return told.value(name) == 1 ? "given" : "refused";
  };
  const auto measured = fmt::format(
      "/proc/cpuinfo says {0} bits; a process can use {1} of them: of the pages it asked for, the "
      "last but one below 2^{1} was {2}, the one at 2^{1} {3}; its highest mapping ends at {4:#x}",
      told.value("virtual_bits"), user, answer("top_is_usable"), answer("above_is_usable"),
      address(told, "highest_mapped"));
  return holds_when(told.value("virtual_bits") == kSaid && user == kSaid - 1, measured);
}

Judgement judge_physical_bits(const Findings& findings) {
  constexpr std::int64_t kSaid = 40;
  const auto& told = findings.front();
  const auto bits = told.value("physical_bits");
  return holds_when(bits == kSaid, fmt::format("/proc/cpuinfo says {} bits", bits));
}

Claim order_of_parts() {
  return {.id = "2.1",
          .says =
              "From low to high addresses there are text, data, heap, the mapping area, the stack "
              "and the kernel.",
          .experiment =
              "The addresses of a function, a global variable, a malloc'ed block, a mapped page "
              "and a local variable, and of the kernel where it tells one; in two processes.",
          .needs = {Need::kGlibcMalloc},
          .runs = {{.name = "layout"}, {.name = "layout"}},
          .judge = judge_layout,
          .truth =
              "The order is as said. The addresses are drawn anew for each process unless "
              "randomisation is off, and between the parts are large gaps. Where ulimit -s is "
              "unlimited, mappings begin lower and go up, and the order is another.",
          .mechanism =
              "load_elf_binary places the program, mm->start_brk (arch_randomize_brk) and the "
              "stack; arch_pick_mmap_layout sets mm->mmap_base a gap below it, and mappings grow "
              "down from there",
          .see_it = "cat /proc/PID/maps; cat /proc/sys/kernel/randomize_va_space"};
}

Claim read_only_parts() {
  return {.id = "2.2",
          .says = "Text and constants are read-only, and constants from #define live there.",
          .experiment =
              "Writes to a function, a string literal, a const object and a variable, each in a "
              "fork. Then the program's own read-only pages are searched for the number of a const "
              "object and for that of a #define.",
          .runs = {{.name = "read_only_memory"}},
          .judge = judge_read_only,
          .truth =
              "Code, string literals and const objects are in pages that cannot be written. A "
              "number from a #define is no object: the compiler puts it into the instructions that "
              "use it, or computes with it and drops it. Only literals and objects are stored.",
          .mechanism =
              "the linker puts .text and .rodata into PT_LOAD segments without PF_W, which the "
              "kernel maps so; the fault of a write ends in bad_area_access_error",
          .see_it = "readelf -lW PROGRAM; grep PROGRAM /proc/PID/maps"};
}

Claim data_segment() {
  return {
      .id = "2.3",
      .says = "Global and static variables live in the data segment.",
      .experiment =
          "The rights of the pages of a global, a static, a const and of variables without a value "
          "(bss), and whether the linker counts them to the data segment; then the last are read "
          "and written.",
      .runs = {{.name = "data_segment"}},
      .judge = judge_data_segment,
      .truth =
          "Those that can be written do. Const ones are among the read-only constants. Those "
          "without a value take no room in the file, begin as zeros and take memory only when they "
          "are written.",
      .mechanism =
          ".data comes from the file; .bss is p_memsz beyond p_filesz of the same segment, mapped "
          "anonymously by the kernel's ELF loader; const objects are in .rodata or .data.rel.ro",
      .see_it = "nm -n PROGRAM; size -A PROGRAM; pmap -x PID"};
}

Claim brk_moves_top() {
  return {.id = "2.4",
          .says = "brk and sbrk move the top of the heap.",
          .experiment =
              "sbrk(8192), a write to the last of the new bytes, sbrk(-8192), a read there; each "
              "access in a fork.",
          .runs = {{.name = "move_brk"}},
          .judge = judge_brk,
          .truth =
              "sbrk moves the top of the heap by exactly what it is told, up or down; what is "
              "below it can be used, and whole pages above it are gone.",
          .mechanism =
              "the system call brk sets mm->brk and maps or unmaps whole pages; the C library's "
              "sbrk computes the new top from __curbrk",
          .see_it = "strace -e trace=brk PROGRAM; grep heap /proc/PID/maps"};
}

Claim malloc_in_heap() {
  return {.id = "2.5",
          .says = "malloc and new mostly take memory from the heap.",
          .experiment =
              "malloc(100) in the main thread and in a second one, and malloc of 1 MiB; the "
              "addresses are compared with the heap's begin and end.",
          .needs = {Need::kGlibcMalloc, Need::kDefaultSettings},
          .runs = {{.name = "malloc_areas"}},
          .judge = judge_malloc_areas,
          .truth =
              "The main thread's small blocks do; new calls malloc. Other threads have arenas in "
              "mapped memory, each at a multiple of 64 MiB on 64-bit machines, and large blocks "
              "are mapped.",
          .mechanism =
              "arena_get2 makes an arena for a new thread; new_heap maps HEAP_MAX_SIZE aligned to "
              "itself; sysmalloc calls MORECORE for main_arena only, and mmap from "
              "mp_.mmap_threshold on",
          .see_it = "grep heap /proc/PID/maps; in gdb: info proc mappings, p main_arena"};
}

Claim one_mapping_area() {
  return {
      .id = "2.6",
      .says = "Libraries, shared memory and mmap have the mapping area in common.",
      .experiment =
          "The addresses of a function of the C library, a shared page of a memfd, an anonymous "
          "page, a malloc of 1 MiB and a local variable of a thread, against the heap's end and "
          "the stack's begin.",
      .needs = {Need::kGlibcMalloc, Need::kDefaultSettings},
      .runs = {{.name = "mapping_area"}},
      .judge = judge_mapping_area,
      .truth =
          "All that is mapped lies in one area between heap and stack: libraries, shared memory, "
          "files, large malloc'ed blocks, the arenas and the stacks of threads.",
      .mechanism = "all go through mmap, and get_unmapped_area searches down from mm->mmap_base",
      .see_it = "pmap PID; cat /proc/PID/maps"};
}

Claim stack_of_eight_mebibytes() {
  return {.id = "2.7",
          .says = "The stack has 8 MB, see ulimit -s.",
          .experiment =
              "The limit, the size of the stack's mapping at first and after calls in calls that "
              "use a quarter of it; then, in a fork, calls in calls without end.",
          .runs = {{.name = "stack_limit"}},
          .judge = judge_stack,
          .truth =
              "ulimit -s is how far the main thread's stack may grow, usually 8192 KiB. At first "
              "little of it is mapped; it grows by faults. A thread's stack is mapped whole when "
              "the thread begins, of that size where there is a limit.",
          .mechanism =
              "expand_stack grows the mapping at a fault below it, and acct_stack_growth holds it "
              "to RLIMIT_STACK; allocate_stack of the C library maps a thread's",
          .see_it = "ulimit -s; grep stack /proc/PID/maps; grep VmStk /proc/PID/status"};
}

Claim kernel_is_invisible() {
  return {.id = "2.8",
          .says = "Kernel space is invisible to user code.",
          .experiment =
              "A read and a write of a byte at an address of the kernel's, each in a fork, and a "
              "write(2) that is to take its byte from there.",
          .runs = {{.name = "kernel_space"}},
          .judge = judge_kernel_space,
          .truth =
              "User code can neither read nor write the kernel's half: the processor faults, and a "
              "system call that is given such an address fails with EFAULT.",
          .mechanism =
              "the kernel's pages lack the user bit, or with page table isolation are not even in "
              "the tables; bad_area_nosemaphore sends SIGSEGV; access_ok refuses such addresses",
          .see_it = "cat /proc/PID/maps: nothing above the stack but [vsyscall]"};
}

Claim addresses_of_32_bits() {
  return {.id = "2.9",
          .says = "A 32-bit process has user space from 0x08048000 to 0xbfffffff.",
          .experiment =
              "A 32-bit program of a few instructions maps a page at 0xc0000000 and one at "
              "0x01000000 and stops; then its mappings are read.",
          .needs = {Need::kX86_64},
          .runs = {{.name = "narrow_process"}},
          .judge = judge_narrow_process,
          .truth =
              "Under a 64-bit kernel a 32-bit process has nearly all 4 GiB. The end at 3 GiB is "
              "that of a 32-bit kernel with the usual split, and 0x08048000 is only where programs "
              "were linked to.",
          .mechanism =
              "the kernel's IA32_PAGE_OFFSET is the end for such a process; low addresses are "
              "barred by mmap_min_addr alone",
          .see_it = "cat /proc/PID/maps of a 32-bit process, also of one begun by setarch --3gb"};
}

Claim virtual_bits() {
  return {.id = "2.10",
          .says = "Virtual addresses have 48 bits.",
          .experiment =
              "A page is mapped at each power of two as far as it goes, and just below and at the "
              "next one; what the processor says is read from /proc/cpuinfo.",
          .needs = {Need::kX86_64},
          .runs = {{.name = "address_bits"}},
          .judge = judge_virtual_bits,
          .truth =
              "With page tables of four levels an address has 48 bits that count: 47 are left to "
              "the process, the upper half is the kernel's. With five levels it is 57 and 56, to a "
              "process that asks for such addresses.",
          .mechanism =
              "TASK_SIZE_MAX is one page less than 1 << __VIRTUAL_MASK_SHIFT; pgtable_l5_enabled "
              "decides on the fifth level",
          .see_it = "grep -m1 'address sizes' /proc/cpuinfo; tail /proc/PID/maps"};
}

Claim physical_bits() {
  return {.id = "2.11",
          .says = "Physical addresses have 40 bits.",
          .experiment = "What the processor says is read from /proc/cpuinfo.",
          .needs = {Need::kX86_64},
          .runs = {{.name = "address_bits"}},
          .judge = judge_physical_bits,
          .truth =
              "It differs between processors, and a virtual machine shows what its host lets it "
              "see: read it. The architecture allows 52.",
          .mechanism = "boot_cpu_data.x86_phys_bits, from CPUID leaf 0x80000008",
          .see_it = "grep -m1 'address sizes' /proc/cpuinfo"};
}

constexpr std::string_view kAnswer =
    "From low to high addresses lie the program's code, its constants and variables, the heap, the "
    "area where everything is mapped, and the stack; above them is the kernel's half, which user "
    "code cannot touch. Code and constants can only be read. The heap begins behind the variables "
    "and its top moves with brk; it serves the main thread's small blocks, while large blocks and "
    "those of other threads are mapped. The stack grows by itself as it is used, up to the limit "
    "of ulimit -s. Where each part begins is drawn anew for every process, and how many bits an "
    "address has depends on the processor.";

}  // namespace

Question question_2() {
  return {
      .number = 2,
      .title = "What does the address space of a process look like?",
      .answer = kAnswer,
      .claims = {order_of_parts(), read_only_parts(), data_segment(), brk_moves_top(),
                 malloc_in_heap(), one_mapping_area(), stack_of_eight_mebibytes(),
                 kernel_is_invisible(), addresses_of_32_bits(), virtual_bits(), physical_bits()}};
}

}  // namespace heapwise

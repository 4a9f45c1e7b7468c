// What a process has for itself: its own meaning of each address, in the half that is not the
// kernel's.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/kernel_view.h"
#include "bench/experiment/mappings.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr int kOfParent = 1;
constexpr int kOfChild = 2;

/// Of one page, by the child of a fork, in memory that it shares with its parent.
struct SeenByChild {
  int value_at_first;
  std::uint64_t frame_at_first;
  int value_after_write;
  std::uint64_t frame_after_write;
};

template <typename Type>
Type* map_new(Report& report, int sharing) {
  void* const memory =
      mmap(nullptr, sizeof(Type), PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap of a page");
  return static_cast<Type*>(memory);
}

/// The child reads the page, writes it, and unmaps it.
[[noreturn]] void live_as_child(volatile int* page, SeenByChild* seen) {
  seen->value_at_first = *page;
  seen->frame_at_first = frame_of(const_cast<int*>(page));
  *page = kOfChild;
  seen->value_after_write = *page;
  seen->frame_after_write = frame_of(const_cast<int*>(page));
  munmap(const_cast<int*>(page), sizeof(int));
  _exit(EXIT_SUCCESS);
}

/// errno of a system call that is to read a byte from `address`; 0: it did.
int error_of_write_from(const void* address) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const int error = write(ends[1], address, 1) < 0 ? errno : 0;
  close(ends[0]);
  close(ends[1]);
  return error;
}

/// Whether the page at `address` can be mapped; what is there already counts as well.
bool can_map_at(std::uintptr_t address) {
  const auto page_bytes = static_cast<std::size_t>(getpagesize());
  void* const wanted = reinterpret_cast<void*>(address);
  void* const got =
      mmap(wanted, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) return errno == EEXIST;
  munmap(got, page_bytes);
  return got == wanted;
}

/// The number of address bits that a process itself can use: the highest power of two at which it
/// can map a page, and those below.
int count_user_bits() {
  constexpr int kFewest = 32;
  constexpr int kMost = 62;
  int bits = 0;
  for (int bit = kFewest; bit <= kMost; ++bit) {
    if (can_map_at(std::uintptr_t{1} << bit)) bits = bit + 1;
  }
  return bits;
}

/// The end of the highest mapping below the kernel's half.
std::uintptr_t highest_mapped() {
  Mappings mappings;
  Mapping mapping;
  std::uintptr_t highest = 0;
  while (mappings.next(mapping)) {
    if (mapping.end <= UINTPTR_MAX / 2) highest = mapping.end;
  }
  return highest;
}

/// Of "address sizes : 40 bits physical, 48 bits virtual", as x86 has it in /proc/cpuinfo.
void tell_bits_of_processor(Report& report) {
  const char* const sizes = behind_key("/proc/cpuinfo", "address sizes");
  const char* const physical = sizes != nullptr ? strpbrk(sizes, "0123456789") : nullptr;
  const char* const comma = sizes != nullptr ? strchr(sizes, ',') : nullptr;
  if (physical == nullptr || comma == nullptr)
    report.refuse("address sizes in /proc/cpuinfo", "it does not tell them here");
  report.value("physical_bits", static_cast<std::int64_t>(strtoll(physical, nullptr, 10)));
  report.value("virtual_bits", static_cast<std::int64_t>(strtoll(comma + 1, nullptr, 10)));
}

}  // namespace

/// Tells what parent and child of a fork find at one address (parent_value_before,
/// child_value_before, child_value_after the child's write, parent_value_after it) and in which
/// frame (the same names with frame; 0: hidden).
void fork_address_space(Report& report, const Arguments&) {
  auto* const seen = map_new<SeenByChild>(report, MAP_SHARED);
  auto* const page = map_new<volatile int>(report, MAP_PRIVATE);
  void* const address = const_cast<int*>(page);
  report.step("a page mapped", address);
  *page = kOfParent;
  report.step("1 written to it", address);
  report.value("parent_value_before", *page);
  report.value("parent_frame_before", frame_of(address));
  const pid_t child = fork();
  if (child < 0) report.refuse("fork");
  if (child == 0) live_as_child(page, seen);
  waitpid(child, nullptr, 0);
  report.step("a forked child has read it, written 2 to it and unmapped it", address);
  report.value("address", reinterpret_cast<std::uintptr_t>(address));
  report.value("child_value_before", seen->value_at_first);
  report.value("child_frame_before", seen->frame_at_first);
  report.value("child_value_after", seen->value_after_write);
  report.value("child_frame_after", seen->frame_after_write);
  report.value("parent_value_after", *page);
  report.value("parent_frame_after", frame_of(address));
}

/// Tells: kernel_address, is_named (it is one that the kernel names as its own; else one in the
/// middle of its half), own_read_signal (0: none), read_signal and write_signal there,
/// system_call_error (errno of a write(2) from there).
void kernel_space(Report& report, const Arguments&) {
  constexpr std::uintptr_t kUnnamed = 0xffff'8880'0000'0000;
  const std::uintptr_t named = kernel_symbol_address();
  const auto* const kernel = reinterpret_cast<const void*>(named != 0 ? named : kUnnamed);
  const int own = kOfParent;
  report.step("at the start");
  report.value("kernel_address", reinterpret_cast<std::uintptr_t>(kernel));
  report.value("is_named", named != 0 ? 1 : 0);
  report.value("own_read_signal", signal_of_read(report, &own));
  report.step("a fork has read a byte of its own", &own);
  report.value("read_signal", signal_of_read(report, kernel));
  report.step("a fork has read a byte of the kernel's", kernel);
  report.value("write_signal", signal_of_write(report, kernel));
  report.step("a fork has written a byte of the kernel's", kernel);
  report.value("system_call_error", error_of_write_from(kernel));
  report.step("write(2) of a byte of the kernel's", kernel);
}

/// Tells: user_bits (found by mapping pages ever higher), top_is_usable and above_is_usable
/// (whether the last page but one below 2 to that power can be mapped, and the one at it),
/// highest_mapped, and of /proc/cpuinfo virtual_bits and physical_bits.
void address_bits(Report& report, const Arguments&) {
  const auto page_bytes = static_cast<std::uintptr_t>(getpagesize());
  report.step("at the start");
  const int bits = count_user_bits();
  const std::uintptr_t end = std::uintptr_t{1} << bits;
  report.step("a page mapped at each power of two, as far as it goes",
              reinterpret_cast<void*>(end / 2));
  report.value("user_bits", bits);
  report.value("top_is_usable", can_map_at(end - 2 * page_bytes) ? 1 : 0);
  report.step("one mapped below the next power of two",
              reinterpret_cast<void*>(end - 2 * page_bytes));
  report.value("above_is_usable", can_map_at(end) ? 1 : 0);
  report.step("one asked for at that power itself", reinterpret_cast<void*>(end));
  report.value("highest_mapped", highest_mapped());
  tell_bits_of_processor(report);
}

}  // namespace heapwise

// What stands behind addresses: page tables that lead to frames, and frames that come at the first
// access.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/kernel_view.h"

namespace heapwise {
namespace {

std::size_t page_bytes() {
  return static_cast<std::size_t>(getpagesize());
}

/// Fresh anonymous memory that never gets a huge page.
char* map_small_pages(Report& report, std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap");
  madvise(memory, bytes, MADV_NOHUGEPAGE);  // fails where the kernel has none: as good
  return static_cast<char*>(memory);
}

/// A page of a file in memory, mapped once more.
char* map_shared(Report& report, int file) {
  void* const memory = mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) report.refuse("mmap of a memfd");
  return static_cast<char*>(memory);
}

/// Of all of the process's page tables, as /proc/self/status has it.
std::int64_t page_table_bytes(Report& report) {
  const char* const kibibytes = behind_key("/proc/self/status", "VmPTE:");
  if (kibibytes == nullptr)
    report.refuse("VmPTE in /proc/self/status", "this kernel does not tell it");
  return strtoll(kibibytes, nullptr, 10) << 10;
}

/// Reads, or writes, one byte of each of the pages.
__attribute__((noinline)) void read_each(const char* memory, std::size_t pages_count) {
  const volatile char* const bytes = memory;
  for (std::size_t i = 0; i < pages_count; ++i) static_cast<void>(bytes[i * page_bytes()]);
}

__attribute__((noinline)) void write_each(char* memory, std::size_t pages_count) {
  volatile char* const bytes = memory;
  for (std::size_t i = 0; i < pages_count; ++i) bytes[i * page_bytes()] = 1;
}

/// Does both once, so that the first use of this code is no fault of what is measured.
void rehearse(Report& report, std::size_t pages_count) {
  char* const memory = map_small_pages(report, pages_count * page_bytes());
  read_each(memory, pages_count);
  write_each(memory, pages_count);
  munmap(memory, pages_count * page_bytes());
}

struct Growth {
  const char* faults_name;
  const char* rss_name;
};

ProcessState tell_growth(Report& report, const ProcessState& before, const ProcessState& after,
                         const Growth& names) {
  report.value(names.faults_name, after.minor_faults_count - before.minor_faults_count);
  report.value(names.rss_name, after.rss_bytes - before.rss_bytes);
  return after;
}

}  // namespace

/// Maps one page of a memfd twice. Tells: first_address, second_address, first_frame, second_frame,
/// and is_seen: what was written at the first is read at the second.
void shared_frame(Report& report, const Arguments&) {
  const int file = memfd_create("heapwise", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(page_bytes())) != 0)
    report.refuse("memfd_create");
  char* const first = map_shared(report, file);
  char* const second = map_shared(report, file);
  report.step("one page of a memfd mapped at one address", first);
  report.step("and at another", second);
  *static_cast<volatile char*>(first) = 1;
  report.step("a write at the first", first);
  report.value("is_seen", *static_cast<volatile char*>(second) == 1 ? 1 : 0);
  report.step("a read at the second", second);
  report.value("first_address", reinterpret_cast<std::uintptr_t>(first));
  report.value("second_address", reinterpret_cast<std::uintptr_t>(second));
  report.value("first_frame", frame_of(first));
  report.value("second_frame", frame_of(second));
  if (frame_of(first) == 0)
    report.refuse("frame numbers in /proc/self/pagemap",
                  "hidden from all but root (CAP_SYS_ADMIN)");
}

/// Argument: pages (128). Reads so many pages, each where a page table of its own must lead to it.
/// Tells: pages_count, tables_growth_bytes, page_bytes.
void page_table_growth(Report& report, const Arguments& arguments) {
  const auto pages_count = static_cast<std::size_t>(arguments.number(0, 128));
  const std::size_t reach_bytes = page_bytes() / sizeof(std::uint64_t) * page_bytes();
  const volatile char* const memory = map_small_pages(report, pages_count * reach_bytes);
  const std::int64_t before = page_table_bytes(report);
  report.step("addresses mapped, nothing used", const_cast<const char*>(memory));
  for (std::size_t i = 0; i < pages_count; ++i) static_cast<void>(memory[i * reach_bytes]);
  report.step("one byte read in each reach of a page table", const_cast<const char*>(memory));
  report.value("pages_count", pages_count);
  report.value("page_bytes", page_bytes());
  report.value("tables_growth_bytes", page_table_bytes(report) - before);
}

/// Argument: pages (1000). Reads each page of fresh anonymous memory, writes each, and writes each
/// again. Tells: pages_count, page_bytes, and by read_, write_, again_: faults_count and rss_bytes;
/// read_frame of the first page, last_read_frame of the last (0: hidden), and write_frame of the
/// first.
void first_access(Report& report, const Arguments& arguments) {
  const auto pages_count = static_cast<std::size_t>(arguments.number(0, 1000));
  rehearse(report, pages_count);
  report.step("at the start");
  char* const memory = map_small_pages(report, pages_count * page_bytes());
  const char* const last = memory + (pages_count - 1) * page_bytes();
  ProcessState state = report.step("mmap", memory);
  read_each(memory, pages_count);
  state = tell_growth(report, state, report.step("a read of each page", memory),
                      {"read_faults_count", "read_rss_bytes"});
  report.value("read_frame", frame_of(memory));
  report.value("last_read_frame", frame_of(last));
  state = report.step("a look at their frames", memory);
  write_each(memory, pages_count);
  state = tell_growth(report, state, report.step("a write to each page", memory),
                      {"write_faults_count", "write_rss_bytes"});
  write_each(memory, pages_count);
  tell_growth(report, state, report.step("another write to each page", memory),
              {"again_faults_count", "again_rss_bytes"});
  report.value("write_frame", frame_of(memory));
  report.value("pages_count", pages_count);
  report.value("page_bytes", page_bytes());
}

}  // namespace heapwise

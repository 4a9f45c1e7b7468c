// Question 1: How does Linux manage memory?
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

constexpr Bytes kMemoryLimit{8 << 20};
constexpr const char* kOverrunMebibytes = "24";

/// Whether `value` is `expected`, but for one in twenty.
bool is_near(std::int64_t value, std::int64_t expected) {
  return std::llabs(value - expected) <= expected / 20;
}

Judgement judge_own_address_space(const Findings& findings) {
  const auto& told = findings.front();
  auto measured = fmt::format(
      "at {:#x} the child of a fork read {}, as its parent did, and wrote {}; the parent still "
      "read {}",
      told.value("address"), told.value("child_value_before"), told.value("child_value_after"),
      told.value("parent_value_after"));
  const bool began_alike = told.value("child_value_before") == told.value("parent_value_before");
  const bool is_apart = told.value("child_value_after") != told.value("parent_value_after") &&
                        told.value("parent_value_after") == told.value("parent_value_before");
  const auto frame = told.value("parent_frame_before");
  if (frame == 0)
    return holds_when(began_alike && is_apart,
                      measured + " (the frames are hidden from this user)");
  measured +=
      fmt::format("; frame {:#x} was both processes' until that write, then the child had {:#x}",
                  frame, told.value("child_frame_after"));
  const bool frames_agree =
      told.value("child_frame_before") == frame && told.value("child_frame_after") != frame;
  return holds_when(began_alike && is_apart && frames_agree, measured);
}

Judgement judge_page_tables(const Findings& findings) {
  const auto& shared = findings.front();
  const auto& growth = findings.back();
  const auto pages = growth.value("pages_count");
  const auto tables_bytes = growth.value("tables_growth_bytes");
  const auto measured = fmt::format(
      "{:#x} and {:#x} led to frames {:#x} and {:#x}; one byte read in each of {} places far apart "
      "took {} KiB of page tables",
      shared.value("first_address"), shared.value("second_address"), shared.value("first_frame"),
      shared.value("second_frame"), pages, tables_bytes >> 10);
  const bool is_one_frame =
      shared.value("is_seen") == 1 && shared.value("first_frame") == shared.value("second_frame");
  return holds_when(is_one_frame && tables_bytes >= pages / 2 * growth.value("page_bytes"),
                    measured);
}

Judgement judge_first_access(const Findings& findings) {
  const auto& told = findings.front();
  const auto pages = told.value("pages_count");
  const auto bytes = pages * told.value("page_bytes");
  const auto measured = fmt::format(
      "of {} fresh pages a read of each: {} minor faults, RSS {} KiB; a write to each: {} faults, "
      "{} KiB; another write: {} faults, {} KiB",
      grouped(pages), grouped(told.value("read_faults_count")),
      grouped_difference(told.value("read_rss_bytes") >> 10),
      grouped(told.value("write_faults_count")),
      grouped_difference(told.value("write_rss_bytes") >> 10),
      grouped(told.value("again_faults_count")),
      grouped_difference(told.value("again_rss_bytes") >> 10));
  const bool reads_fault = is_near(told.value("read_faults_count"), pages);
  if (reads_fault && is_near(told.value("read_rss_bytes"), bytes)) return holds(measured);
  const bool writes_allocate = is_near(told.value("write_faults_count"), pages) &&
                               is_near(told.value("write_rss_bytes"), bytes);
  if (!reads_fault || !writes_allocate) return does_not_hold(measured);
  return holds_if("the access is a write; a read is given the page of zeros that all share",
                  measured);
}

std::string end_of(const Evidence& told) {
  if (told.ended())
    return fmt::format("came to its end, with {} MiB in swap", told.value("swapped_bytes") >> 20);
  return fmt::format("was ended after {} MiB by signal {} ({} killed by the kernel)",
                     told.value("written_bytes") >> 20, told.signal, told.kills_count.value_or(0));
}

Judgement judge_memory_exhausted(const Findings& findings) {
  const auto& anonymous = findings.front();
  const auto& file = findings.back();
  const auto measured = fmt::format(
      "with {} MiB allowed, writing {} MiB of anonymous memory {}; {} MiB of a mapped file were "
      "written and read again to the end, {} MiB of it from disk, with {} major faults",
      kMemoryLimit.value >> 20, anonymous.value("size_bytes") >> 20, end_of(anonymous),
      file.value("size_bytes") >> 20, file.value("read_back_bytes") >> 20,
      grouped(file.value("major_faults_count")));
  const bool is_killed = anonymous.signal == SIGKILL && anonymous.kills_count.value_or(0) > 0;
  const auto swapped = anonymous.ended() ? anonymous.value("swapped_bytes") : 0;
  const bool file_came_back =
      file.value("read_back_bytes") > 0 && file.value("differences_count") == 0;
  if (swapped > 0 && file_came_back) return holds(measured);
  if (is_killed && file_came_back) {
    return holds_if(
        "there is swap, or the pages are a file's: anonymous pages have no other place on disk",
        measured);
  }
  if (!is_killed && swapped == 0)
    return not_testable("the memory cgroup did not limit the experiment: " + measured);
  return does_not_hold(measured);
}

Claim own_address_space() {
  return {
      .id = "1.1",
      .says = "Each process has a virtual address space of its own.",
      .experiment =
          "A page is written and the process forks. The child reads the page at the same address, "
          "writes to it and unmaps it; then the parent reads it. Both look up the frame behind it.",
      .runs = {{.name = "fork_address_space"}},
      .judge = judge_own_address_space,
      .truth =
          "An address means something only within one process. After a fork both see the same "
          "contents in the same frames, until one of them writes: then it gets a copy of that "
          "page.",
      .mechanism =
          "each process has an mm_struct with page tables of its own; fork write-protects the "
          "pages of both in copy_present_pte, and do_wp_page makes the copy",
      .see_it =
          "pmap PID of two processes; as root the frames: pagemap in /proc/PID, 8 bytes a page"};
}

Claim page_tables() {
  return {
      .id = "1.2",
      .says = "Virtual addresses are mapped to physical ones by page tables.",
      .experiment =
          "One page of a memfd is mapped at two addresses, written at the first, read at the "
          "second, and the frames behind both are compared. Then one byte is read in each of many "
          "places that no page table has in common, and the size of the page tables is read.",
      .runs = {{.name = "shared_frame"}, {.name = "page_table_growth"}},
      .judge = judge_page_tables,
      .truth =
          "Page tables lead from each page of addresses to a frame of physical memory; several "
          "addresses may lead to one frame. The tables take memory too, and are made as addresses "
          "come into use.",
      .mechanism =
          "pgd, p4d, pud, pmd and pte levels, filled by handle_mm_fault; __pte_alloc adds a table, "
          "counted in mm->pgtables_bytes",
      .see_it = "grep VmPTE /proc/PID/status"};
}

Claim first_access() {
  return {
      .id = "1.3",
      .says = "An access to an address that is not resident faults, and memory is allocated then.",
      .experiment =
          "Fresh anonymous pages: a read of each, a write to each, and another write to each.",
      .runs = {{.name = "first_access"}},
      .judge = judge_first_access,
      .truth =
          "Every first access to a page faults. A write is given a frame of its own; a read of "
          "anonymous memory only the shared page of zeros, so that the first write faults once "
          "more.",
      .mechanism =
          "do_anonymous_page maps ZERO_PAGE for a read and takes a zeroed folio for a write; "
          "do_wp_page replaces the former at the first write",
      .see_it = "ps -o rss,minflt -p PID before and after; perf stat -e minor-faults PROGRAM"};
}

Claim memory_exhausted() {
  return {
      .id = "1.3b",
      .says = "With memory exhausted, pages are written to disk.",
      .experiment =
          "In a memory cgroup with less than that: writes to anonymous memory; and, in another "
          "process, writes to a mapped file, then a read of all of it.",
      .runs = {{.name = "anonymous_overrun",
                .arguments = {kOverrunMebibytes},
                .memory_limit = kMemoryLimit},
               {.name = "file_overrun",
                .arguments = {kOverrunMebibytes},
                .memory_limit = kMemoryLimit}},
      .judge = judge_memory_exhausted,
      .truth =
          "Pages of files go back to their file, clean ones by being dropped, and are read again "
          "when they are used. Anonymous pages, as malloc's, go to swap; where there is none or it "
          "is full, the kernel kills a process.",
      .mechanism =
          "shrink_folio_list writes dirty pages and drops clean ones, and gives anonymous ones a "
          "place by folio_alloc_swap; out_of_memory and mem_cgroup_out_of_memory choose whom to "
          "kill",
      .see_it =
          "swapon --show; vmstat 1; grep VmSwap /proc/PID/status; dmesg | grep -i 'out of memory'"};
}

constexpr std::string_view kAnswer =
    "Each process has addresses of its own, which mean nothing in another. Page tables lead from "
    "them, page by page, to frames of physical memory, and one frame may stand behind addresses of "
    "many processes. An address can be promised without a frame: the first access then faults, and "
    "the kernel fills in the frame and lets the program go on. Only a write gets a frame of its "
    "own; reading memory that nobody wrote shows a page of zeros that all share. When memory runs "
    "short the kernel drops pages of files, which it can read again, and moves anonymous pages to "
    "swap. Without swap it has no place for them, and ends a process.";

}  // namespace

Question question_1() {
  return {.number = 1,
          .title = "How does Linux manage memory?",
          .answer = kAnswer,
          .claims = {own_address_space(), page_tables(), first_access(), memory_exhausted()}};
}

}  // namespace heapwise

// Question 5: How do I see a process's layout?
#include <fmt/format.h>

#include "bench/claims/questions.h"
#include "bench/claims/wording.h"

namespace heapwise {
namespace {

Judgement judge_pmap(const Findings& findings) {
  const auto& told = findings.front();
  const auto beyond_bytes = told.value("kernel_bytes");
  auto measured =
      fmt::format("pmap -x listed {} of {} mappings and a total of {} KiB; VSZ was {} KiB",
                  told.value("lines_count"), told.value("mappings_count"),
                  grouped(told.value("total_bytes") >> 10), grouped(told.value("vsz_bytes") >> 10));
  if (beyond_bytes > 0) {
    measured +=
        fmt::format(", to which [vsyscall], in the kernel's half, adds {} KiB", beyond_bytes >> 10);
  }
  const bool is_whole =
      told.value("lines_count") == told.value("mappings_count") && told.value("names_stack") == 1;
  return holds_when(is_whole && told.value("total_bytes") == told.value("vsz_bytes") + beyond_bytes,
                    measured);
}

constexpr std::string_view kAnswer =
    "pmap lists what a process has mapped, from low addresses to high ones: its program, its heap, "
    "what was mapped, its libraries and its stack. The kernel keeps the same list in "
    "/proc/PID/maps, and with sizes in /proc/PID/smaps. The Kbytes of pmap -x add up to VSZ, the "
    "column RSS to what is in memory now, and Dirty is what was written. The heap and mapped "
    "memory that malloc uses have no file behind them: pmap calls them anon.";

}  // namespace

Question question_5() {
  return {
      .number = 5,
      .title = "How do I see a process's layout?",
      .answer = kAnswer,
      .claims = {
          {.id = "5.1",
           .says = "pmap shows the layout of a process.",
           .experiment = "A process runs pmap -x on itself and compares its lines with "
                         "/proc/self/maps and its total with VSZ.",
           .runs = {{.name = "pmap_total"}},
           .judge = judge_pmap,
           .truth = "pmap shows every mapping, with its size, what of it is resident and who may "
                    "write it; the sum of the sizes is VSZ. Where there is a [vsyscall] page it is "
                    "listed and added, but not part of VSZ: it is no memory of the process.",
           .mechanism = "pmap reads /proc/PID/smaps; VSZ is mm->total_vm, to which the gate area "
                        "that get_gate_vma adds to the list does not count",
           .see_it = "pmap -x PID; cat /proc/PID/maps; ps -o vsz,rss -p PID"},
      }};
}

}  // namespace heapwise

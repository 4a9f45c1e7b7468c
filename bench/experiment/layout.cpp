// Where the parts of a process lie, from low to high.
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/kernel_view.h"
#include "bench/experiment/mappings.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::size_t kLargeBytes = std::size_t{1} << 20;
constexpr std::size_t kSmallBytes = 100;

int initialised = 1;  // lies in the data segment

std::uintptr_t number_of(const volatile void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

void tell_address(Report& report, const char* name, const char* label,
                  const volatile void* address) {
  report.step(label, const_cast<const void*>(address));
  report.value(name, number_of(address));
}

void* map_page(Report& report, int sharing, int file) {
  void* const memory = mmap(nullptr, static_cast<std::size_t>(getpagesize()),
                            PROT_READ | PROT_WRITE, sharing, file, 0);
  if (memory == MAP_FAILED) report.refuse("mmap of a page");
  return memory;
}

void* map_memfd(Report& report) {
  const int file = memfd_create("heapwise", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, getpagesize()) != 0) report.refuse("memfd_create");
  void* const memory = map_page(report, MAP_SHARED, file);
  close(file);
  return memory;
}

/// Runs `body` in a thread of its own to its end.
void run_in_thread(Report& report, void* (*body)(void*)) {
  pthread_t thread{};
  if (pthread_create(&thread, nullptr, body, &report) != 0) report.refuse("pthread_create");
  pthread_join(thread, nullptr);
}

void* tell_stack_of_thread(void* report) {
  volatile char local = 0;
  tell_address(*static_cast<Report*>(report), "thread_stack_address",
               "a local variable of a thread", &local);
  return nullptr;
}

void* tell_malloc_of_thread(void* context) {
  Report& report = *static_cast<Report*>(context);
  void* const chunk = malloc(kSmallBytes);
  tell_address(report, "thread_address", "malloc(100) in a second thread", chunk);
  const Mapping mapping = mapping_of(chunk);
  report.value("thread_mapping_begin", mapping.begin);
  report.value("thread_mapping_is_nameless", mapping.name[0] == '\0' ? 1 : 0);
  free(chunk);
  return nullptr;
}

}  // namespace

/// Tells the addresses of one thing in each part: text_, data_, heap_, mapping_, stack_ and, if the
/// kernel names one of its own, kernel_address.
void layout(Report& report, const Arguments&) {
  const int local = 0;
  tell_address(report, "text_address", "a function", reinterpret_cast<const void*>(&layout));
  tell_address(report, "data_address", "a global variable", &initialised);
  tell_address(report, "heap_address", "malloc(100)", malloc(kSmallBytes));
  tell_address(report, "mapping_address", "mmap of a page",
               map_page(report, MAP_PRIVATE | MAP_ANONYMOUS, -1));
  tell_address(report, "stack_address", "a local variable", &local);
  const std::uintptr_t kernel = kernel_symbol_address();
  if (kernel != 0)
    tell_address(report, "kernel_address", "the kernel", reinterpret_cast<const void*>(kernel));
}

/// Tells where lie: libc_address (a function of the C library), memfd_address (shared memory),
/// anonymous_address, malloc_address (of 1 MiB), thread_stack_address; and what is below and above:
/// heap_end (brk) and main_stack_begin.
void mapping_area(Report& report, const Arguments&) {
  const int local = 0;
  tell_address(report, "libc_address", "getpid of the C library",
               reinterpret_cast<const void*>(&getpid));
  tell_address(report, "memfd_address", "a shared page of a memfd", map_memfd(report));
  tell_address(report, "anonymous_address", "an anonymous page",
               map_page(report, MAP_PRIVATE | MAP_ANONYMOUS, -1));
  tell_address(report, "malloc_address", "malloc of 1 MiB", malloc(kLargeBytes));
  run_in_thread(report, tell_stack_of_thread);
  report.value("heap_end", number_of(sbrk(0)));
  report.value("main_stack_begin", mapping_of(&local).begin);
}

/// Tells: before, grown (after sbrk(8192)), shrunk (after sbrk(-8192)): sbrk(0) each time;
/// grown_write_signal (0: the new memory can be written) and shrunk_read_signal of its last byte.
void move_brk(Report& report, const Arguments&) {
  constexpr std::intptr_t kStepBytes = 8192;
  const ProcessState before = report.step("at the start");
  if (sbrk(kStepBytes) == reinterpret_cast<void*>(-1)) report.refuse("sbrk(8192)");
  const ProcessState grown = report.step("sbrk(8192)", sbrk(0));
  const auto* const last = static_cast<const char*>(sbrk(0)) - 1;
  report.value("grown_write_signal", signal_of_write(report, last));
  if (sbrk(-kStepBytes) == reinterpret_cast<void*>(-1)) report.refuse("sbrk(-8192)");
  const ProcessState shrunk = report.step("sbrk(-8192)", sbrk(0));
  report.value("shrunk_read_signal", signal_of_read(report, last));
  report.value("step_bytes", static_cast<std::int64_t>(kStepBytes));
  report.value("before", before.brk);
  report.value("grown", grown.brk);
  report.value("shrunk", shrunk.brk);
}

/// Tells: heap_begin and heap_end (brk before the first malloc and at the end), main_address and
/// thread_address (of 100 bytes, by the main and by a second thread), thread_mapping_begin (of the
/// mapping that holds the latter), thread_mapping_is_nameless, large_address (of 1 MiB, by the main
/// thread).
void malloc_areas(Report& report, const Arguments&) {
  report.value("heap_begin", report.step("at the start").brk);
  tell_address(report, "main_address", "malloc(100) in the main thread", malloc(kSmallBytes));
  run_in_thread(report, tell_malloc_of_thread);
  tell_address(report, "large_address", "malloc of 1 MiB in the main thread", malloc(kLargeBytes));
  report.value("heap_end", read_process_state().brk);
}

}  // namespace heapwise

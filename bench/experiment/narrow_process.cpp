// A 32-bit process of the x86 kind, without a compiler for one: a program of a few instructions
// that maps a page near each end of its addresses and stops, so that its mappings can be looked at.
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/mappings.h"

namespace heapwise {
namespace {

constexpr Elf32_Addr kLinkAddress = 0x0804'8000;   // where programs for i386 were always linked to
constexpr std::uintptr_t kLowPage = 0x0100'0000;   // below it
constexpr std::uintptr_t kHighPage = 0xc000'0000;  // the first that is said to be the kernel's

// Registers hold over an int 0x80, but for eax.
constexpr unsigned char kCode[] = {
    0xbb, 0x00, 0x00, 0x00, 0xc0,  // mov ebx, kHighPage
    0xb9, 0x00, 0x10, 0x00, 0x00,  // mov ecx, 4096
    0xba, 0x03, 0x00, 0x00, 0x00,  // mov edx, PROT_READ | PROT_WRITE
    0xbe, 0x32, 0x00, 0x00, 0x00,  // mov esi, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
    0xbf, 0xff, 0xff, 0xff, 0xff,  // mov edi, -1
    0x31, 0xed,                    // xor ebp, ebp
    0xb8, 0xc0, 0x00, 0x00, 0x00,  // mov eax, mmap2
    0xcd, 0x80,                    // int 0x80
    0xbb, 0x00, 0x00, 0x00, 0x01,  // mov ebx, kLowPage
    0xb8, 0xc0, 0x00, 0x00, 0x00,  // mov eax, mmap2
    0xcd, 0x80,                    // int 0x80
    0xb8, 0x14, 0x00, 0x00, 0x00,  // mov eax, getpid
    0xcd, 0x80,                    // int 0x80
    0x89, 0xc3,                    // mov ebx, eax
    0xb9, 0x13, 0x00, 0x00, 0x00,  // mov ecx, SIGSTOP
    0xb8, 0x25, 0x00, 0x00, 0x00,  // mov eax, kill
    0xcd, 0x80,                    // int 0x80
    0x31, 0xdb,                    // xor ebx, ebx
    0xb8, 0x01, 0x00, 0x00, 0x00,  // mov eax, exit
    0xcd, 0x80,                    // int 0x80
};

struct Program {
  Elf32_Ehdr header;
  Elf32_Phdr segments[2];
  unsigned char code[sizeof kCode];
};

Program make_program() {
  Program program{};
  Elf32_Ehdr& header = program.header;
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_386;
  header.e_version = EV_CURRENT;
  header.e_entry = kLinkAddress + offsetof(Program, code);
  header.e_phoff = offsetof(Program, segments);
  header.e_ehsize = sizeof(Elf32_Ehdr);
  header.e_phentsize = sizeof(Elf32_Phdr);
  header.e_phnum = 2;
  program.segments[0] = {.p_type = PT_LOAD,
                         .p_offset = 0,
                         .p_vaddr = kLinkAddress,
                         .p_paddr = kLinkAddress,
                         .p_filesz = sizeof(Program),
                         .p_memsz = sizeof(Program),
                         .p_flags = PF_R | PF_X,
                         .p_align = 0x1000};
  program.segments[1].p_type = PT_GNU_STACK;  // without it all that can be read can be executed
  program.segments[1].p_flags = PF_R | PF_W;
  memcpy(program.code, kCode, sizeof kCode);
  return program;
}

int open_program(Report& report) {
  const Program program = make_program();
  const int file = memfd_create("heapwise-32-bit", MFD_CLOEXEC);
  if (file < 0 || write(file, &program, sizeof program) != sizeof program)
    report.refuse("memfd_create");
  return file;
}

/// In the child: becomes the program, or ends with errno as its exit code.
[[noreturn]] void become(int file) {
  char name[] = "heapwise-32-bit";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // it stops, and must not outlive the experiment
  fexecve(file, arguments, environment);
  _exit(errno);
}

/// Refuses when the child did not come to its stop.
void wait_for_stop(Report& report, pid_t child) {
  int status = 0;
  waitpid(child, &status, WUNTRACED);
  if (WIFSTOPPED(status)) return;
  if (WIFSIGNALED(status)) report.refuse("a 32-bit program", "a signal ended it");
  if (WEXITSTATUS(status) == ENOEXEC) {
    report.refuse("a 32-bit program",
                  "this kernel runs none (CONFIG_IA32_EMULATION and ia32_emulation=)");
  }
  report.refuse("a 32-bit program", strerrordesc_np(WEXITSTATUS(status)));
}

void tell_mappings(Report& report, pid_t process) {
  Mappings mappings(process);
  Mapping mapping;
  bool has_low = false;
  bool has_high = false;
  std::uintptr_t text = 0;
  std::uintptr_t highest = 0;
  while (mappings.next(mapping)) {
    has_low |= mapping.holds(reinterpret_cast<void*>(kLowPage));
    has_high |= mapping.holds(reinterpret_cast<void*>(kHighPage));
    if (mapping.holds(reinterpret_cast<void*>(std::uintptr_t{kLinkAddress}))) text = mapping.begin;
    if (strcmp(mapping.name, "[stack]") == 0) report.value("stack_end", mapping.end);
    if (mapping.end <= UINT32_MAX) highest = mapping.end;
  }
  report.value("text_address", text);
  report.value("low_page_is_mapped", has_low ? 1 : 0);
  report.value("high_page_is_mapped", has_high ? 1 : 0);
  report.value("highest_mapped", highest);
}

}  // namespace

/// Tells, of a 32-bit process: text_address, stack_end, highest_mapped, and low_page and high_page
/// with …_is_mapped: whether it got what it asked for below and above the range that it is said to
/// have.
void narrow_process(Report& report, const Arguments&) {
  const int file = open_program(report);
  report.step("a 32-bit program of a few instructions written to a memfd");
  const pid_t child = fork();
  if (child < 0) report.refuse("fork");
  if (child == 0) become(file);
  wait_for_stop(report, child);
  report.step("it runs, has mapped a page at each end, and has stopped");
  report.value("low_page", kLowPage);
  report.value("high_page", kHighPage);
  tell_mappings(report, child);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  report.step("it has been ended");
}

}  // namespace heapwise
